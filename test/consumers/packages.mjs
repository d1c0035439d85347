import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { version } from './run.mjs';

export const filesUnder = (folder) => readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name));

/** Of each kind one file: its folder, and how its name ends. */
const KINDS = {
  tarball: ['dist/js', '.tgz'],
  wheel: ['dist/python', '.whl'],
  sdist: ['dist/python', '.tar.gz'],
  jar: ['dist/java', `-${version}.jar`],
  sources: ['dist/java', `-${version}-sources.jar`],
  javadoc: ['dist/java', `-${version}-javadoc.jar`],
  pom: ['dist/java', `-${version}.pom`],
};

const found = Object.entries(KINDS).map(([kind, [folder, end]]) => [kind, existsSync(folder) ? filesUnder(folder).filter((file) => file.endsWith(end)) : []]);

/** What `npm run package` has put into `dist`, by its kind. */
export const PACKAGES = Object.fromEntries(found.filter(([, files]) => files.length === 1).map(([kind, [file]]) => [kind, resolve(file)]));

export const missingPackages = found.filter(([, files]) => files.length !== 1).map(([kind, files]) =>
  `${KINDS[kind][0]} should hold one file *${KINDS[kind][1]}, but holds ${files.length}: run \`npm run package\``);
