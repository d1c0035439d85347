// Installs the dependencies when a fresh clone has none yet; says so, because it takes half a minute.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

// npm writes this file last, so that an install cut short is repeated
if (!existsSync('node_modules/.package-lock.json')) {
  console.error('Installing dependencies (npm ci) ...');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) process.exit(status ?? 1);
}
