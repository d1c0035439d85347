import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir, hostname, tmpdir, userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { filesUnder, PACKAGES } from './packages.mjs';
import { floor, peerDependencies, run } from './run.mjs';

/** Beside the compiled sources and the bundles. */
const BESIDE = ['.jsii', '.jsii.tabl.json', 'API.md', 'CHANGELOG.md', 'LICENSE', 'README.ja.md', 'README.md', 'SECURITY.md', 'package.json'];

/** A compiled file for each source, a bundle for each function. */
function expectedFiles() {
  const sources = readdirSync('src', { recursive: true }).filter((file) => file.endsWith('.ts')).map((file) => file.slice(0, -'.ts'.length));
  const functions = readdirSync('lambda-src', { recursive: true }).filter((file) => file.endsWith('.lambda.ts')).map((file) => basename(file, '.lambda.ts'));
  return [...BESIDE, ...sources.flatMap((file) => [`lib/${file}.js`, `lib/${file}.d.ts`]), ...functions.map((name) => `assets/lambda/${name}/index.js`)].sort();
}

async function unpacked(archive, into) {
  if (archive.endsWith('gz')) await run('tar', ['-xzf', archive, '-C', into]);
  else await run('python3', ['-m', 'zipfile', '-e', archive, into]);
  return into;
}

/** What is too much, missing, or tells of the machine that built it; in the tarball, and in the same tarball that wheel, sdist and jar carry. */
export async function contentProblems() {
  const { pom, ...archives } = PACKAGES;
  const place = mkdtempSync(join(tmpdir(), 'contents-'));
  const fresh = () => mkdtempSync(join(place, 'archive-'));
  // a name of few letters is found anywhere, and what a Linux host names for another reason says nothing
  const packedIn = join(tmpdir(), 'npm-pack'); // what pacmak's folders begin with
  const ofThisMachine = [process.cwd(), homedir(), packedIn, hostname(), userInfo().username]
    .filter((text) => text.length > 4 && !['/root', 'localhost'].includes(text));
  try {
    const expected = expectedFiles();
    const problems = pomProblems(readFileSync(pom, 'utf8'));
    for (const archive of Object.values(archives)) {
      const folder = await unpacked(archive, fresh());
      const carried = archive.endsWith('.tgz') ? folder : await carriedTarball(folder, fresh());
      if (carried) {
        const files = filesUnder(join(carried, 'package')).map((file) => file.slice(carried.length + '/package/'.length)).sort();
        problems.push(...files.filter((file) => !expected.includes(file)).map((file) => `${basename(archive)} holds ${file}, which is not in the list`),
          ...expected.filter((file) => !files.includes(file)).map((file) => `${basename(archive)} lacks ${file}`));
      }
      for (const file of [...filesUnder(folder), ...(carried && carried !== folder ? filesUnder(carried) : [])]) {
        const text = readFileSync(file, 'latin1');
        problems.push(...ofThisMachine.filter((name) => text.includes(name)).map((name) => `${basename(archive)}: ${file.slice(place.length)} names ${name}`));
      }
    }
    return problems;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** The npm tarball that a wheel, an sdist or a jar carries for the JavaScript process; sources and documentation of Java carry none. */
async function carriedTarball(folder, into) {
  const [tarball] = filesUnder(folder).filter((file) => file.endsWith('.tgz'));
  return tarball && unpacked(tarball, into);
}

/** Maven takes the very version that the jar's pom names, where npm and pip have a range: it has to be the lowest one of that. */
const pomProblems = (pom) => Object.keys(peerDependencies).flatMap((name) => {
  const [, version] = new RegExp(`<artifactId>${name}</artifactId>\\s*<version>([^<]*)`).exec(pom) ?? [];
  return version === floor(name) ? [] : [`the jar's pom asks for ${name} ${version}, not for ${floor(name)}`];
});
