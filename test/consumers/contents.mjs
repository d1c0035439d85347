import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir, hostname, tmpdir, userInfo } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { run } from './run.mjs';

/** Beside the compiled sources and the bundles. */
const BESIDE = ['.jsii', '.jsii.tabl.json', 'API.md', 'CHANGELOG.md', 'LICENSE', 'README.ja.md', 'README.md', 'SECURITY.md', 'package.json'];

/** A compiled file for each source, a bundle for each function. */
function expectedFiles() {
  const sources = readdirSync('src', { recursive: true }).filter((file) => file.endsWith('.ts')).map((file) => file.slice(0, -'.ts'.length));
  const functions = readdirSync('lambda-src', { recursive: true }).filter((file) => file.endsWith('.lambda.ts')).map((file) => basename(file, '.lambda.ts'));
  return [...BESIDE, ...sources.flatMap((file) => [`lib/${file}.js`, `lib/${file}.d.ts`]), ...functions.map((name) => `assets/lambda/${name}/index.js`)].sort();
}

const filesUnder = (folder) => readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name));

/** The one file of a folder whose name ends so. */
function only(folder, end) {
  const found = filesUnder(folder).filter((file) => file.endsWith(end));
  if (found.length !== 1) throw new Error(`${folder} should hold one file *${end}, but holds ${found.length}: run \`npm run package\``);
  return resolve(found[0]);
}

async function unpacked(archive, into) {
  if (archive.endsWith('gz')) await run('tar', ['-xzf', archive, '-C', into]);
  else await run('python3', ['-m', 'zipfile', '-e', archive, into]);
  return into;
}

/** What is too much, missing, or tells of the machine that built it; in the tarball, and in the same tarball that wheel, sdist and jar carry. */
export async function contentProblems() {
  const java = (classifier) => only('dist/java', `-0.0.0${classifier}.jar`);
  const archives = [only('dist/js', '.tgz'), only('dist/python', '.whl'), only('dist/python', '.tar.gz'), java(''), java('-sources'), java('-javadoc')];
  const place = mkdtempSync(join(tmpdir(), 'contents-'));
  const fresh = () => mkdtempSync(join(place, 'archive-'));
  // a name of few letters is found anywhere, and what a Linux host names for another reason says nothing
  const ofThisMachine = [process.cwd(), homedir(), hostname(), userInfo().username].filter((text) => text.length > 4 && !['/root', 'localhost'].includes(text));
  try {
    const problems = [];
    for (const archive of archives) {
      const folder = await unpacked(archive, fresh());
      const carried = archive.endsWith('.tgz') ? folder : await carriedTarball(folder, fresh());
      if (carried) {
        const files = filesUnder(join(carried, 'package')).map((file) => file.slice(carried.length + '/package/'.length)).sort();
        const expected = expectedFiles();
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
