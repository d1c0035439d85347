// The suite synthesizes and runs the bundles that ship, so they are built before the first test.
const { execFileSync } = require('node:child_process');
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

module.exports = () => {
  execFileSync(process.execPath, ['scripts/bundle-lambdas.mjs'], { stdio: 'inherit' });
  // what test files share is in local/memory.ts
  const memory = mkdtempSync(join(tmpdir(), 'local-engine-'));
  process.env.LOCAL_ENGINE_MEMORY = memory;
  process.once('exit', () => rmSync(memory, { recursive: true, force: true }));
};
// what the tests read has no colours, whoever asks for them; workers inherit it
process.env.NO_COLOR = '1';
delete process.env.FORCE_COLOR;
