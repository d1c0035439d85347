// The program that the demo's job runs: plain Node, as it would lie in a user's image. It writes its files below the
// working directory, remembers how far it came, and goes on there after a SIGKILL.
//   node job.mjs --files 3000 --seed 1              writes
//   node job.mjs --files 3000 --seed 1 --manifest   tells what it would have written when done: path, size, SHA-256
//   ... --long-name                                 writes one more file, whose path is longer than a key of S3 may be
//   ... --fail-after 1500                           gives up after so many files, with exit code 3
import { createCipheriv, createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    'files': { type: 'string' },
    'seed': { type: 'string' },
    'manifest': { type: 'boolean' },
    'pause': { type: 'string', default: '1' },
    'long-name': { type: 'boolean' },
    'fail-after': { type: 'string', default: 'Infinity' },
  },
});
const total = Number(values.files);
const failAfter = Number(values['fail-after']);
const words = (length) => 'of a parameter study that somebody wants to know by its name, '.repeat(5).slice(0, length - 1);
/** S3 takes keys of up to 1,024 bytes: none of the directories is too long, but this file below them is. */
const LONG_NAME = `${[0, 1, 2, 3].map((n) => `${n}${words(200)}`).join('/')}/${words(236)}.bin`;
const CHUNK = 16 * 1024;
const WORTH_A_PAUSE = 4 * 1024;
const CHECKPOINT = 'checkpoint.json';
const CHECKPOINT_EVERY = 20;
const LARGEST = Math.min(400_000, Math.ceil(2e9 / total)); // so that all together stay under 200 MB
const DIRECTORIES = ['mesh', 'fields/pressure', 'fields/velocity', 'logs/rank 0', 'logs/rank 1', 'statistics/moyenne carrée', 'statistics/平均'];

const hash = (text) => createHash('sha256').update(text).digest();
const checkpoint = (done) => `${JSON.stringify({ done, of: files.length })}\n`;

/** The n-th file, from the seed alone. */
function file(n) {
  const key = hash(`${values.seed}/${n}`);
  const [a, b, c] = [0, 4, 8].map((at) => key.readUInt32LE(at) / 2 ** 32);
  const size = a < 0.04 ? 0 : Math.floor(Math.exp(b * Math.log(LARGEST)));
  const path = `${DIRECTORIES[Math.floor(c * DIRECTORIES.length)]}/part ${String(n).padStart(6, '0')}.bin`;
  return { path, content: createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16)).update(Buffer.alloc(size)) };
}

/** All files, the n-th from the seed alone; the one with the long name in the middle. */
const files = [...Array(total).keys()].map((n) => () => file(n));
if (values['long-name']) files.splice(Math.floor(total / 2), 0, () => ({ path: LONG_NAME, content: Buffer.from('S3 takes no object of this name\n') }));

const tell = (...words) => process.stdout.write(`${words.join('\t')}\n`); // synchronous on a pipe: what was told had happened
const line = (path, content) => tell(path, content.length, createHash('sha256').update(content).digest('hex'));

if (values.manifest) {
  for (const one of files) line(one().path, one().content);
  line(CHECKPOINT, Buffer.from(checkpoint(files.length)));
} else {
  const start = existsSync(CHECKPOINT) ? JSON.parse(readFileSync(CHECKPOINT, 'utf8')).done : 0;
  tell('start', start);
  for (let n = start; n < files.length; n++) {
    if (n >= failAfter) process.exit(3);
    const { path, content } = files[n]();
    mkdirSync(dirname(path), { recursive: true });
    tell('open', path, content.length);
    const descriptor = openSync(path, 'w'); // a half-written file of an earlier attempt begins anew
    for (let at = 0; at < content.length; at += CHUNK) {
      const end = Math.min(at + CHUNK, content.length);
      const half = at + Math.ceil((end - at) / 2);
      writeSync(descriptor, content, at, half - at);
      if (at === 0) tell('begun', path, content.length);
      if (end - at >= WORTH_A_PAUSE) await sleep(Number(values.pause)); // a real solver computes here, its file half written
      writeSync(descriptor, content, half, end - half);
    }
    closeSync(descriptor);
    tell('close', path, content.length);
    if ((n + 1) % CHECKPOINT_EVERY === 0 || n + 1 === files.length) {
      writeFileSync(`${CHECKPOINT}.tmp`, checkpoint(n + 1));
      renameSync(`${CHECKPOINT}.tmp`, CHECKPOINT); // whole or not at all
      tell('checkpoint', n + 1);
    }
  }
}
