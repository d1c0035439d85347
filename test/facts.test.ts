import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '..');
const FOLDERS = ['src', 'lambda-src', 'local', 'test', 'trials', 'bench', 'examples', 'scripts', 'docs'];
const LIST = 'docs/facts.md';
const CONFIDENCES = ['confirmed', 'measured', 'secondary', 'inferred', 'unconfirmed'];

/** Chapters A and D have numbers in two parts, but for D3: thus `A1` is an instance family, or the name of a state in a test. */
const FACT = '\\b(?:[AD]\\d{1,2}\\.\\d{1,2}|D3|[BCEFG]\\d{1,2})[a-z]?\\b';

/** The numbers in a text; of a range like `D4.1 - D4.3` all. */
function factsIn(text: string): string[] {
  const ranges = [...text.matchAll(new RegExp(`(${FACT}) ?[-–〜] ?(${FACT})`, 'g'))].flatMap(([, first, last]) => {
    const [[, chapter, from], [, other, to]] = [first, last].map((each) => /^(.*?)(\d+)[a-z]?$/.exec(each)!);
    return chapter === other ? Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => `${chapter}${Number(from) + index}`) : [];
  });
  return [...text.match(new RegExp(FACT, 'g')) ?? [], ...ranges];
}

/** Files that people write, without what installs and builds leave beside them. */
function filesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (/^\.|^(node_modules|cdk\.out|dist|target|package-lock\.json)$/.test(entry.name)) return [];
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesIn(path) : /\.(ts|mjs|sh|md|java|py|json)$/.test(path) ? [path] : [];
  });
}

/** Each number that is cited, with a file that does it. */
function citations(): Map<string, string> {
  const files = [...readdirSync(ROOT).filter((name) => name.endsWith('.md')), ...FOLDERS.flatMap(filesIn)]
    .filter((file) => file !== LIST && file !== 'test/facts.test.ts');
  return new Map(files.flatMap((file) => factsIn(readFileSync(join(ROOT, file), 'utf8')).map((fact) => [fact, file])));
}

/** The cells of all rows below a heading, header and ruler left out. */
const rowsBelow = (section: string) => [...section.matchAll(/^\|(.+)\|$/gm)].slice(2).map(([, row]) => row.split('|').map((cell) => cell.trim()));

/** What is wrong with the list, in plain words. */
function problemsOf(list: string, cited: Map<string, string>): string[] {
  const sections = list.split(/^## /m);
  const chapters = sections.filter((section) => /^[A-G] /.test(section));
  const rows = chapters.flatMap((section) => rowsBelow(section).map((row) => ({ chapter: section[0], row })));
  const listed = rows.map(({ row: [fact] }) => fact);
  const sorted = [...listed].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const keys = rowsBelow(sections.find((section) => section.startsWith('Sources'))!).map(([key]) => key.split(':')[0]);
  const sources = rows.flatMap(({ row: [,,, source = ''] }) => source.split(', '));
  const isSource = (source: string) => keys.includes(source.split(':')[0]) || listed.includes(source) || /^[\w.-]+\/[\w.-]+#\d+$/.test(source);
  return [
    ...[...cited].filter(([fact]) => !listed.includes(fact)).map(([fact, file]) => `${fact} of ${file} is not listed`),
    ...listed.filter((fact) => !cited.has(fact)).map((fact) => `${fact} is cited nowhere`),
    ...listed.filter((fact, index) => listed.indexOf(fact) !== index).map((fact) => `${fact} is there twice`),
    ...listed.filter((fact, index) => fact !== sorted[index]).slice(0, 1).map((fact) => `${fact} is not in its place`),
    ...keys.filter((key) => !sources.some((source) => source.split(':')[0] === key)).map((key) => `${key} is a source of nothing`),
    ...rows.flatMap(({ chapter, row: [fact, sentence = '', confidence = '', source = '', ...more] }) => [
      ...fact.startsWith(chapter) && more.length === 0 ? [] : [`${fact} is not a row of chapter ${chapter}`],
      ...confidence.split('; ').filter((each) => !CONFIDENCES.includes(each)).map((each) => `${fact} has the confidence '${each}'`),
      ...sentence.split('; ').length === confidence.split('; ').length ? [] : [`${fact} has not one confidence for each part`],
      ...sentence.length > 20 && sentence.endsWith('.') ? [] : [`${fact} says nothing`],
      ...source.split(', ').filter((each) => !isSource(each)).map((each) => `${fact} has the source '${each}'`),
    ]),
  ];
}

describe('docs/facts.md', () => {
  const list = readFileSync(join(ROOT, LIST), 'utf8');
  const cited = citations();
  const found = problemsOf(list, cited);

  test('has each fact that the repository cites, and no other, each once, with a confidence and a source', () => {
    expect(cited.size).toBeGreaterThan(100);
    expect(found).toEqual([]);
  });

  test.each<[string, (text: string) => string, string[]]>([
    ['without a row', (text) => text.replace(/^\| A4\.7 .*\n/m, ''), [`A4.7 of ${cited.get('A4.7')} is not listed`]],
    ['with a row too many', (text) => text.replace(/^(\| A4)\.7( .*\n)/m, '$&$1.7z$2'), ['A4.7z is cited nowhere']],
    ['with a row twice', (text) => text.replace(/^\| A4\.7 .*\n/m, '$&$&'), ['A4.7 is there twice']],
    ['with a row elsewhere', (text) => text.replace(/^(\| A4\.5 .*\n)(\| A4\.6 .*\n)/m, '$2$1'), ['A4.6 is not in its place']],
    ['with another confidence', (text) => text.replace(/^(\| A4\.7 .*) confirmed \|/m, '$1 sure |'), ["A4.7 has the confidence 'sure'"]],
    ['with a confidence too few', (text) => text.replace(/^(\| A4\.6 .*); inferred \|/m, '$1 |'), ['A4.6 has not one confidence for each part']],
    ['without a sentence', (text) => text.replace(/^(\| A4\.7 \|)[^|]*\|/m, '$1 |'), ['A4.7 says nothing']],
    ['without a source', (text) => text.replace(/^(\| A4\.7 .* \|).*\|$/m, '$1  |'), ["A4.7 has the source ''"]],
    ['with a source that has no key', (text) => text.replace(/^(\| A4\.7 .*)BOTO \|$/m, '$1BOTTO |'), ["A4.7 has the source 'BOTTO'"]],
    ['with a source that nothing comes from', (text) => text.replace(/ JAVA \|$/gm, ' FSX |'), ['JAVA is a source of nothing']],
  ])('%s is found wrong', (_, broken, problems) => {
    expect(problemsOf(broken(list), cited).filter((problem) => !found.includes(problem))).toEqual(problems);
  });

  test('numbers are told from what looks like them', () => {
    expect(factsIn('// A4.3; (A5.6a, E5a), D3 and D4.1 - D4.3.').sort()).toEqual(['A4.3', 'A5.6a', 'D3', 'D4.1', 'D4.1', 'D4.2', 'D4.3', 'D4.3', 'E5a']);
    expect(factsIn('S3, E3601, A1 and m6g.large, G4dn.xlarge, ECS_AL2, check_A2_1, #B2B2B2, D3 – D6')).toEqual(['D3']);
  });
});
