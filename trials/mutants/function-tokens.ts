import { readdirSync, readFileSync } from 'fs';
import { join } from 'path';
import { Mutant } from './mutant';
import { ROOT } from './product';

const SOURCES = 'lambda-src';
const TOKEN = /^ *(ClientRequestToken: ([\w$]+|`[^`]+`)[^\n]*,)$/gm;

/** Every token that a function sends: left out, the SDK would put in a new one at each call. */
export function functionTokenMutants(): Mutant[] {
  const files = readdirSync(join(ROOT, SOURCES), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts')).sort();
  return files.flatMap((file) => [...readFileSync(join(ROOT, SOURCES, file), 'utf8').matchAll(TOKEN)].map(([, line, value]): Mutant => ({
    id: `token:${file.replace(/\.ts$/, '')}:${value.replace(/[^\w]+/g, ' ').trim().replace(/ /g, '-')}`,
    kind: 'token',
    says: `${file}: a new token at each try instead of ${value}`,
    patches: [{ file: join(SOURCES, file), search: line, replace: 'ClientRequestToken: `${Math.random()}`,' }],
  })));
}
