import type { FailedFiles } from '../../src/private/document';

/** What could be read of a task's completion report. */
export interface FailuresReport {
  /** `s3://` location. */
  readonly location: string;
  /** Text of the CSV file; absent where there is none. */
  readonly text?: string;
  /** The text is only the beginning of the file. */
  readonly truncated?: boolean;
  /** Why it could not be read. */
  readonly problem?: string;
}

export interface FailedFile {
  readonly path: string;
  readonly code: string;
}

const FIXES = {
  KeyTooLong: 'S3 takes keys of at most 1,024 bytes: shorten the names, or use a shorter prefix', // A5.6
  NameNotUtf8: 'S3 takes names in UTF-8 only: rename the files', // A5.6
  FileTooLarge: 'S3 takes objects of at most 5 TiB: split the files', // A5.6
  AccessDenied: 'let the role AWSServiceRoleForFSxS3Access_<file system id> write to the bucket; a bucket policy with aws:SourceVpc or aws:SourceVpce denies it,' // B12
    + ' and so does a KMS key that the role may not use',
  Kms: 'let the role AWSServiceRoleForFSxS3Access_<file system id> use the KMS key of the bucket, and check that the key is enabled',
  Busy: 'the files were open or being changed: close them, then clean the run up again', // G9
  S3Error: 'S3 refused: look at the KMS key of the bucket, and clean the run up again',
  InternalError: 'FSx had an error of its own: clean the run up again; where it stays, rename or copy the files',
  Unknown: 'look at the report, at the event log of the file system, and at the KMS key of the bucket',
} as const;

export type FailureReason = keyof typeof FIXES;

/** No repetition helps against these. */
const PERMANENT: string[] = ['KeyTooLong', 'NameNotUtf8', 'FileTooLarge'];

/** Permissions take a while to arrive everywhere, so that one repetition may help. */
const DENIALS: string[] = ['AccessDenied', 'Kms'];

const MOST_NAMES = 10;
const MOST_CHARACTERS = 200;

export const isDenial = (reason: string) => DENIALS.includes(reason);

/** @param deniedBefore it was denied in the round before, too */
export const isPermanent = (reason: string, deniedBefore = false) => PERMANENT.includes(reason) || (deniedBefore && isDenial(reason));

/** Longer paths can make a key too long: a prefix takes the rest (MAX_PREFIX_BYTES and a run id). */
const SURELY_SHORT_BYTES = 1024 - 256;

/** Why a file was not exported, from its code in the report (A8.7) or in the event log (B10), and what FSx says of the whole task. */
export function reasonOf({ path, code }: FailedFile, failure = ''): FailureReason {
  if (/FileSizeTooLarge/i.test(code)) return 'FileTooLarge';
  if (/busy/i.test(code)) return 'Busy';
  if (/kms/i.test(code)) return 'Kms';
  // which code a key that may not be used gets is not documented, nor that of a name that is not UTF-8 (its bytes are read as U+FFFD)
  if (/AccessDenied/i.test(code)) return /kms/i.test(failure) ? 'Kms' : 'AccessDenied';
  if (/utf-?8/i.test(code) || (path.includes('\uFFFD') && Buffer.byteLength(path) <= SURELY_SHORT_BYTES)) return 'NameNotUtf8';
  if (/PathSizeTooLong/i.test(code)) return 'KeyTooLong';
  if (/kms/i.test(failure)) return 'Kms';
  if (/InternalError/i.test(code)) return 'InternalError';
  return /^S3/i.test(code) ? 'S3Error' : 'Unknown';
}

/** The files that failed. The header line may be missing, and a status is written in any case (user guide, "task-completion-report"). */
export function readReport(text: string, truncated = false): FailedFile[] {
  const rows = joined(parseCsv(text.replace(/^\uFEFF/, '')));
  return (truncated ? rows.slice(0, -1) : rows)
    .filter(([path, status]) => !(/^filepath$/i.test(path) && /^filestatus$/i.test(status)) && !/^succeeded$/i.test(status))
    .map(([path, , code]) => ({ path: unwrapped(path), code: code?.trim() ?? '' }));
}

/** What is told of the files that failed: some names a reason, so that it stays small. */
export function failedFiles(count: number, report: FailuresReport | undefined, failure?: string): FailedFiles {
  const rows = report?.text === undefined ? [] : readReport(report.text, report.truncated);
  const byReason: { [reason: string]: { count: number; files: string[]; fix: string } } = {};
  const add = (reason: FailureReason, many: number, names: string[]) => {
    const entry = byReason[reason] ??= { count: 0, files: [], fix: FIXES[reason] };
    entry.count += many;
    entry.files.push(...names.slice(0, MOST_NAMES - entry.files.length));
  };
  for (const row of rows) {
    add(reasonOf(row, failure), 1, [[...row.path].slice(0, MOST_CHARACTERS).join('')]);
  }
  if (count > rows.length) add('Unknown', count - rows.length, []);
  const location = report && (report.problem ? `${report.location} (could not be read: ${report.problem})` : report.location);
  return { total: Math.max(count, rows.length), byReason, ...(location ? { report: location } : {}) };
}

/** Names and reasons in words, of at most so many bytes. */
export function listed({ total, byReason, report }: FailedFiles, mostBytes: number): string {
  const lines = Object.entries(byReason).flatMap(([reason, { count, files, fix }]) => [
    `${reason}: ${count} (${fix})`, ...files.map((file) => `  ${JSON.stringify(file)}`), ...(count > files.length ? [`  and ${count - files.length} more`] : []),
  ]);
  // the report first: names are what is cut off
  const text = [`${total === 1 ? '1 file was' : `${total} files were`} not exported.${report ? ` Full report: ${report}` : ''}`, ...lines].join('\n');
  return Buffer.byteLength(text) <= mostBytes ? text : `${Buffer.from(text).subarray(0, mostBytes - 20).toString().replace(/\uFFFD$/, '')}\n... (cut)`;
}

/** RFC 4180; a quotation mark inside a field that does not begin with one stands for itself. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = '';
  let quoted = false;
  const endField = () => { row.push(field); field = ''; };
  const endRow = () => { endField(); rows.push(row); row = []; };
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (quoted) {
      const isEscape = character === '"' && text[i + 1] === '"';
      if (isEscape) i++;
      if (isEscape || character !== '"') field += character; else quoted = false;
    } else if (character === '"' && field === '') {
      quoted = true;
    } else if (character === ',') {
      endField();
    } else if (character === '\n' || (character === '\r' && text[i + 1] === '\n')) {
      if (character === '\r') i++;
      endRow();
    } else {
      field += character;
    }
  }
  if (field !== '' || row.length > 0 || quoted) endRow();
  return rows;
}

/** A name with a line break in it is not documented to be quoted: then its row comes in pieces. */
function joined(rows: string[][]): string[][] {
  const whole: string[][] = [];
  let piece: string | undefined;
  for (const [first, ...others] of rows) {
    const path: string = piece === undefined ? first : `${piece}\n${first}`;
    if (others.length > 0) whole.push([path, ...others]);
    piece = others.length > 0 || path === '' ? undefined : path;
  }
  return whole;
}

/** Paths that begin like a formula stand in quotation marks of their own; the guide says single ones and shows double ones. */
function unwrapped(path: string): string {
  const [, , inner] = /^(["'])([@+\-=][^]*)\1$/.exec(path) ?? [];
  return inner ?? path;
}
