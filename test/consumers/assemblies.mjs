import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesUnder } from './packages.mjs';

const filesOf = (folder) => filesUnder(folder).map((file) => file.slice(folder.length + 1)).sort();

/** Where two cloud assemblies differ, to the byte: templates, assets, manifest, tree. */
export function differences(expected, actual) {
  if (![expected, actual].every((folder) => folder && existsSync(join(folder, 'manifest.json')))) return ['one of them is not there'];
  const names = [...new Set([...filesOf(expected), ...filesOf(actual)])];
  const read = (folder, name) => existsSync(join(folder, name)) ? readFileSync(join(folder, name)) : undefined;
  return names.flatMap((name) => {
    const [one, other] = [read(expected, name), read(actual, name)];
    if (one === undefined || other === undefined) return [`${name} is in only one of them`];
    if (one.equals(other)) return [];
    const at = one.findIndex((byte, i) => byte !== other[i]);
    return [`${name} differs at ${at}: ${[one, other].map((text) => JSON.stringify(text.subarray(Math.max(0, at - 40), at + 60).toString())).join(' and ')}`];
  });
}
