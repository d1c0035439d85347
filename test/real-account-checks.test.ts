import { spawnSync } from 'child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import { synthesize } from './synthesized';
import { operation, problems } from '../local/api-schema';
import { SWITCHES } from '../local/switches';

const SCRIPT = 'scripts/real-account-checks.sh';
const PARTS = readdirSync('scripts/real-account-checks').map((file) => `scripts/real-account-checks/${file}`);
const text = [SCRIPT, ...PARTS].map((file) => readFileSync(file, 'utf8')).join('\n');
const functions = [...text.matchAll(/^(check_\w+)\(\)/gm)].map(([, name]) => name);
const testing = readFileSync('TESTING.md', 'utf8');

/** What calls are answered with: the first rule whose pattern is in the call; its answers one after another, the last for ever. */
type Account = [pattern: string, ...answers: string[]][];

const stamp = (secondsAgo: number) => new Date(Date.now() - secondsAgo * 1000).toISOString();
const NOT_FOUND = 'FAIL FileSystemNotFound';

/** Does what is likely, whatever is asked. */
const LIKELY: Account = [
  ['fsx:describeBackups', 'FSx.FSxException'],
  ['"fs-00000000000000000"', 'FSx.FileSystemNotFoundException'],
  ['DNSName', 'FAIL ValidationException'],
  ['--mock', 'SUCCEEDED'],
  ['test-state', '{"FileSystems":[{"DnsName":"x"}]}'],
  ['get-execution-history', 'ExecutionSucceeded'],
  ['--query startDate', '2026-11-22T15:00:00.123000+00:00'],
  ['--query output', '"2026-11-22T15:00:00.123Z"'],
  ['describe-execution', 'SUCCEEDED'],
  ['launchTemplate.version', '$Latest'],
  ['launchTemplate.launchTemplateId', 'lt-base'],
  ['launchTemplateId=lt-00000000000000000', 'FAIL ClientException'],
  ['launchTemplateId=lt-base', 'FAIL ClientException', 'ok'],
  ['describe-compute-environments', 'UPDATING', 'UPDATING', 'VALID'],
  ['length(S3', '3', '0'],
  ['length(', '1'],
  ['describe-jobs', 'FAILED'],
  ['FileSystems[?Tags', 'fs-kept'],
  ['FileSystems[0].Lifecycle', 'CREATING', 'DELETING', 'AVAILABLE'],
  ['FileSystems[0].LustreConfiguration', 'arn:log'],
  ['create-file-system', 'fs-main', 'fs-second'],
  ['describe-file-systems', 'ok', NOT_FOUND],
  ['Associations[0].Lifecycle', 'AVAILABLE'],
  ['Datapoints[].Maximum', '0.0\t0.0'],
  ['Datapoints[].Timestamp', stamp(130), stamp(70)],
  ['create-data-repository-task', 'FAIL BadRequest', 'task-1'],
  ['to_string', '{"FailedCount":0}'],
  ['describe-data-repository-tasks', 'SUCCEEDED'],
  ['/reports', 'None'],
  ['s3 cp', 'export/bad-?,failed,InternalError'],
  ['failures.csv', 'a/.lustre-auto-export/r/task-1/failures.csv'],
  ['launch-template', 'lt-run'],
];

/** Does something else wherever a check can see it. */
const OTHER: Account = [
  ['fsx:describeBackups', 'FSx.AccessDeniedException'],
  ['"fs-00000000000000000"', 'FSx.FileSystemNotFound'],
  ['DnsName', 'FAIL ValidationException'],
  ['--mock', 'SUCCEEDED'],
  ['test-state', '{"FileSystems":[{"DNSName":"x"}]}'],
  ['--query startDate', '2026-11-22T15:00:00.990000+00:00'],
  ['--query output', '"2026-11-22T15:00:01.003Z"'],
  ['describe-execution', 'RUNNING', 'SUCCEEDED'],
  ['describe-launch-templates', 'FAIL NotFound'],
  ['deregister-job-definition', 'ok', 'FAIL ClientException', 'ok'],
  ['launchTemplate.version', '3'],
  ['launchTemplate.launchTemplateId', 'lt-base', 'lt-run'],
  ['launchTemplateId=lt-00000000000000000', 'ok'],
  ['launchTemplateId=lt-base', 'ok'],
  ['describe-compute-environments', 'VALID', 'UPDATING', 'VALID'],
  ['length(S3', '0', '3'],
  ['length(', '0'],
  ['delete-file-system --file-system-id fs-second', 'FAIL BadRequest', 'ok', 'FAIL BadRequest', 'ok'],
  ['FileSystems[0].Lifecycle', 'CREATING', 'AVAILABLE'],
  ['create-file-system', 'FAIL BadRequest', 'fs-main', 'fs-second'],
  ['FileSystems[0].LustreConfiguration', 'arn:log'],
  ['FileSystems[?Tags', 'fs-kept'],
  ['describe-file-systems', NOT_FOUND],
  ['Name=file-system-id', NOT_FOUND],
  ['Datapoints[].Maximum', 'None'],
  ['Datapoints[].Timestamp', stamp(130), `${stamp(200)}\t${stamp(220)}`],
  ['{"AutoExportPolicy":{"Events":["NEW","CHANGED","DELETED"]}}', 'ok', 'FAIL BadRequest'],
  ['create-data-repository-task', 'task-0', 'task-1'],
  ['to_string', '{}'],
  ['/reports', 'a/reports/task-0/failures.csv'],
  ['s3 cp', 'FilePath,FileStatus,ErrorCode\n/export/bad-?,FAILED,S3Error'],
  ['failures.csv', 'a/.lustre-auto-export/r/task-task-1/failures.csv'],
  ['get-role', 'FAIL NoSuchEntity'],
  ...LIKELY,
];

const AWS = `#!/usr/bin/env bash
printf '%s\\n' "$*" >> "$ACCOUNT/calls"
for rule in "$ACCOUNT"/rule-*; do
  [[ $* == *"$(<"$rule/pattern")"* ]] || continue
  turn=$(<"$rule/turn")
  [[ ! -e $rule/answer-$((turn + 1)) ]] || echo $((turn + 1)) > "$rule/turn"
  answer=$(<"$rule/answer-$turn")
  [[ $answer != FAIL* ]] || { echo "$answer" >&2; exit 254; }
  echo "$answer"
  exit
done
echo ok
`;

function run(account: Account, args: string[], input = ''): { status: number | null; lines: string[]; calls: string[] } {
  const directory = mkdtempSync(join(tmpdir(), 'real-account-checks-'));
  try {
    const files = account.flatMap(([pattern, ...answers], i) => {
      const rule = `rule-${String(i).padStart(3, '0')}`;
      return [[`${rule}/pattern`, pattern], [`${rule}/turn`, '0'], ...answers.map((answer, n) => [`${rule}/answer-${n}`, answer])];
    });
    const make = ['set -e', 'cd "$1"', ...account.map((_, i) => `mkdir rule-${String(i).padStart(3, '0')}`)].join('\n');
    spawnSync('bash', ['-c', make, '', directory]);
    for (const [file, content] of [...files, ['calls', ''], ['aws', AWS], ['sleep', '#!/usr/bin/env bash\n']]) {
      writeFileSync(join(directory, file), content, { mode: 0o755 });
    }
    const env = { ...process.env, PATH: `${directory}:${process.env.PATH}`, ACCOUNT: directory };
    const { status, stdout, stderr } = spawnSync('bash', [SCRIPT, ...args], { env, input, encoding: 'utf8' });
    return { status, lines: `${stdout}${stderr}`.split('\n'), calls: readFileSync(join(directory, 'calls'), 'utf8').split('\n').filter(Boolean) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Says what the script needs and this machine does not have: bash 4.3 for `declare -n`, GNU date to read times. */
const LACKS = `
((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 403)) || echo "this bash is $BASH_VERSION, and 4.3 or later is needed"
date -d 2026-11-22T15:00:00Z +%s >/dev/null 2>&1 || echo 'this date is not GNU date'
`;
const lacks = spawnSync('bash', ['-c', LACKS], { encoding: 'utf8' }).stdout.trim();
if (lacks) console.warn(`${SCRIPT} is not tried here: ${lacks}`);

const ALL = ['--group', 'all', '--stack', 'Test'];

/** Fact, switch and reading of each line that judges. */
function judged(lines: string[], word: string): string[][] {
  return lines.map((line) => new RegExp(`^${word} +(.+?) (\\w+): ([^.,]+)[.,]`).exec(line)).filter((found) => found !== null).map((found) => found.slice(1));
}

/** Commands of a shell text as lists of arguments, whatever their quotes. */
function commandsOf(shell: string): string[][] {
  const { stdout } = spawnSync('bash', ['-c', `aws() { printf '%s\\0' "$@"; printf '\\n\\0'; }\n${shell}`], { encoding: 'utf8' });
  return stdout.split('\n\0').filter(Boolean).map((command) => command.split('\0').slice(0, -1));
}

const CLIENTS: Record<string, string> = { stepfunctions: 'sfn', logs: 'cloudwatch-logs', s3api: 's3' };
const OF_THE_CLI = ['output', 'query', 'max-items'];
/** No client of theirs is installed: the script asks them nothing that is not in every example. */
const UNCHECKED = /^(sts|cloudformation|s3|configure)$/;

/** What the API does not have of a command, or misses in it. */
function complaints([service, action, ...args]: string[]): string[] {
  const pascal = action.split('-').map((word) => word[0].toUpperCase() + word.slice(1)).join('');
  const { input } = operation(CLIENTS[service] ?? service, pascal);
  const [, , , , members = [], schemas = [], required = 0] = input;
  const options = (members as string[]).map((member) => member.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase());
  const given = args.flatMap((arg, i) => arg.startsWith('--') ? [[arg.slice(2), args[i + 1]]] : []).filter(([option]) => !OF_THE_CLI.includes(option));
  return [
    ...given.flatMap(([option, value]) => {
      const index = options.indexOf(option);
      if (index < 0) return [`${service} ${action} has no --${option}`];
      if (problems(schemas[index], '').length === 0 || !/^\{"|^\{\}$/.test(value ?? '')) return []; // a text, or the CLI's shorthand
      return problems(schemas[index], JSON.parse(value)).map((problem) => `${service} ${action} --${option}: ${problem}`);
    }),
    ...options.slice(0, required).filter((option) => !given.some(([name]) => name === option)).map((option) => `${service} ${action} misses --${option}`),
  ];
}

(lacks ? describe.skip : describe)('the script', () => {
  const likely = run(LIKELY, [...ALL, '--yes']);
  const other = run(OTHER, [...ALL, '--yes']);

  test('confirms an account that does what is likely', () => {
    expect(likely.lines.filter((line) => /^REFUTED|could not be undone|gave up|unbound/.test(line))).toEqual([]);
    expect(likely.status).toBe(0);
    const confirmed = judged(likely.lines, 'CONFIRMED');
    expect(confirmed.length).toBeGreaterThan(30);
    for (const [fact, name, reading] of confirmed) {
      const known = SWITCHES.find((each) => each.name === name);
      expect({ fact, name, reading }).toEqual({ fact: known?.fact, name, reading: known?.readings[0] });
    }
  });

  test('refutes it where it does something else, by the names of the readings', () => {
    expect(other.lines.filter((line) => /could not be undone|gave up|unbound/.test(line))).toEqual([]);
    expect(other.status).toBe(0);
    const refuted = judged(other.lines, 'REFUTED');
    const all = new Set(judged(likely.lines, 'CONFIRMED').map(([, name]) => name));
    // these need time to pass, which it does not here
    expect([...all].filter((name) => !refuted.some(([, each]) => each === name))).toEqual(['idleUpdate', 'terminateQueuedJob', 'fileSystemCreation']);
    for (const [, name, reading] of refuted) expect(SWITCHES.find((each) => each.name === name)!.readings).toContain(reading);
    expect(other.lines.join('\n')).toContain('open an issue with the lines above');
  });

  test.each([['likely', likely], ['other', other]])('gives back all that it makes, in an account that does what is %s', (_, { calls }) => {
    const count = (pattern: RegExp) => calls.filter((call) => pattern.test(call)).length;
    for (const [made, gone] of [
      [/^iam create-role/, /^iam delete-role /], [/^iam put-role-policy/, /^iam delete-role-policy/], [/create-state-machine/, /delete-state-machine/],
      [/^ec2 create-launch-template/, /^ec2 delete-launch-template/], [/register-job-definition .*container/, /deregister-job-definition/],
      [/^batch submit-job/, /^batch terminate-job/],
    ]) expect(count(gone)).toBeGreaterThanOrEqual(count(made));
    for (const id of ['fs-main', 'fs-second', 'fs-kept']) expect(calls).toContainEqual(expect.stringMatching(`^fsx delete-file-system --file-system-id ${id}`));
    const updates = calls.filter((call) => call.includes('update-compute-environment'));
    expect(updates[updates.length - 1]).toContain('launchTemplateId=lt-base,version=$Latest');
  });

  test('gives it back also when a call fails in the middle', () => {
    const { status, calls } = run([['start-execution', 'FAIL AccessDenied'], ...LIKELY], ['--yes']);
    expect(status).not.toBe(0);
    expect(calls.slice(-3).map((call) => call.split(' --')[0])).toEqual(['stepfunctions delete-state-machine', 'iam delete-role-policy', 'iam delete-role']);
  });

  test('asks before it creates anything, with the cost', () => {
    const { status, lines, calls } = run(LIKELY, ALL, 'no\n');
    expect(status).toBe(1);
    expect(lines.join('\n')).toMatch(/0\.50 USD[^]*nothing was created/);
    expect(calls.map((call) => call.split(' ')[0])).toEqual(['sts', 'configure']);
  });

  test('calls nothing in a dry run, and shows commands that the API has', () => {
    const { status, lines, calls } = run([], [...ALL, '--dry-run']);
    expect([status, calls]).toEqual([0, []]);
    const commands = commandsOf(lines.filter((line) => line.startsWith('  aws ')).join('\n'));
    expect(commands.length).toBeGreaterThan(90);
    expect(commands.filter(([service]) => !UNCHECKED.test(service)).flatMap(complaints)).toEqual([]);
  });

  test('a command that the API does not have is noticed', () => {
    expect(complaints(['fsx', 'delete-file-system', '--file-system', 'fs-1']))
      .toEqual(['fsx delete-file-system has no --file-system', 'fsx delete-file-system misses --file-system-id']);
    expect(complaints(['fsx', 'update-data-repository-association', '--association-id', 'dra-1', '--s3', '{"AutoExport":{}}']))
      .toEqual(['fsx update-data-repository-association --s3: AutoExport does not exist']);
  });

  test.each([[['--group', 'batch']], [['--group', 'everything']], [['--what']]])('%j: status 2, and nothing is called', (args) => {
    expect(run(LIKELY, args)).toMatchObject({ status: 2, calls: [] });
  });
});

describe('TESTING.md', () => {
  const rows = testing.split('## Unconfirmed facts')[1].split('\n').filter((line) => /^\| [^F-]|^\| F\d/.test(line))
    .map((line) => line.slice(2, -2).split(' | ')).map(([fact, name, readings, survives, check]) => ({ fact, name: /^`(\w+)`$/.exec(name)?.[1], readings, survives, check }));

  test.each(SWITCHES)('has the switch $name, with its fact and all its readings', ({ name, fact, readings }) => {
    const [row, ...others] = rows.filter((each) => each.name === name);
    expect(others).toEqual([]);
    expect(row.fact.replace(/ \[\w\]$/, '')).toBe(fact.split(',')[0]);
    expect(row.readings.split('; ').length).toBe(readings.length);
    expect(row.survives.length).toBeGreaterThan(10);
  });

  test('has no switch that there is not', () => {
    const named = rows.flatMap(({ name }) => name ?? []);
    expect(named.filter((name) => !SWITCHES.some((each) => each.name === name))).toEqual([]);
    expect(rows.length).toBeGreaterThan(SWITCHES.length);
  });

  test('says of every fact how it is checked, or why not', () => {
    const named = rows.flatMap(({ check }) => [...check.matchAll(/^`(check_\w+)`|, `(check_\w+)`/g)].map(([, first, second]) => first ?? second));
    expect(named.filter((name) => !functions.includes(name))).toEqual([]);
    expect(functions.filter((name) => !named.includes(name))).toEqual(['check_run']);
    expect(rows.filter(({ check }) => !/^(`check_\w+`(, `check_\w+`)*|(by hand|none): .{15,})$/.test(check))).toEqual([]);
  });

  test('gives a check of the script to a switch if and only if the script judges it', () => {
    const byScript = rows.filter(({ name, check }) => name && check.startsWith('`')).map(({ name }) => name);
    expect([...new Set([...text.matchAll(/judge (?:'[^']*'|\S+) (\w+)/g)].map(([, name]) => name))].sort()).toEqual([...byScript].sort());
  });

  test('shows commands that the API has', () => {
    const blocks = [...testing.matchAll(/```bash\n([^]*?)```/g)].map(([, block]) => block).filter((block) => block.includes('aws '));
    const commands = commandsOf(blocks.join('\n').replace(/ > \S+\.json/g, ''));
    expect(commands.length).toBeGreaterThan(8);
    expect(commands.flatMap(complaints)).toEqual([]);
  });

  test('expects of states what the definition says', () => {
    const { states } = synthesize();
    const commands = commandsOf([...testing.matchAll(/aws stepfunctions test-state (?:[^\n]*\\\n)*[^\n]*/g)].map(([command]) => command).join('\n'))
      .map((args) => (option: string) => args.includes(`--${option}`) ? args[args.indexOf(`--${option}`) + 1] : '{}').filter((of) => of('definition').startsWith('file:'));
    const expected = /Expected `nextState`: (.*)\./.exec(testing)![1].match(/\w+/g);
    expect(commands.map((of) => {
      const { Catch = [], Choices = [], Parameters } = states[of('state-name')];
      const input = JSON.parse(of('input'));
      const at = (path: string) => path.split('.').slice(1).reduce((value, key) => value?.[key], input);
      const paths = (JSON.stringify([Parameters ?? {}, Choices]).match(/\$\.[\w.]+/g) ?? []);
      expect(paths.filter((path) => at(path) === undefined)).toEqual([]);
      const holds = ({ And, Variable, StringEquals, IsPresent }: any): boolean => And ? And.every(holds)
        : StringEquals === undefined ? (at(Variable) !== undefined) === IsPresent : at(Variable) === StringEquals;
      const error = JSON.parse(of('mock')).errorOutput?.error;
      return error ? Catch.find(({ ErrorEquals }: any) => ErrorEquals.includes(error) || ErrorEquals.includes('States.ALL')).Next : Choices.find(holds).Next;
    })).toEqual(expected);
  });
});
