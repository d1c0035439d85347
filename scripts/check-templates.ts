// cfn-lint over the templates of all examples in TypeScript, with the state machines in a form that it looks into. It looks at their
// structure only: that a Next leads somewhere, and what a Retry needs, asl-validator tells in the tests.
import { execFileSync, execSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { EXAMPLE_APPS } from '../test/helpers/example-apps';
import { textOf } from '../test/synthesized';

interface Finding {
  readonly Filename: string;
  readonly Message: string;
  readonly Rule: { readonly Id: string };
  readonly Location: { readonly Path: (string | number)[] | null };
}

/** cfn-lint, installed once for each content of requirements.txt. */
function cfnLint(): string {
  const requirements = resolve('scripts/requirements.txt');
  const venv = resolve('node_modules/.cache/cfn-lint', createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 16));
  const command = join(venv, 'bin/cfn-lint');
  if (existsSync(command)) return command;
  rmSync(venv, { recursive: true, force: true });
  execFileSync('python3', ['-m', 'venv', venv], { stdio: 'inherit' });
  execFileSync(join(venv, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', '-r', requirements], { stdio: 'inherit' });
  return command;
}

/** Templates of an example, by the command and the context of its cdk.json, as the CDK CLI would call it. */
function templatesOf(folder: string, outdir: string): Record<string, any> {
  const cwd = resolve('examples', folder);
  const { app, context } = JSON.parse(readFileSync(join(cwd, 'cdk.json'), 'utf8'));
  const CDK_CONTEXT_JSON = JSON.stringify({ ...context, type: 'autoExport' }); // auto-export-app asks for `-c type=autoExport`, the others do not look
  execSync(app, { cwd, env: { ...process.env, CDK_OUTDIR: outdir, CDK_CONTEXT_JSON }, stdio: 'inherit' });
  const files = readdirSync(outdir).filter((file) => file.endsWith('.template.json'));
  return Object.fromEntries(files.map((file) => [file, JSON.parse(readFileSync(join(outdir, file), 'utf8'))]));
}

/** cfn-lint does not look into an Fn::Join, so that the definition becomes a plain text: what only a deploy knows, some ARN. */
function inline(template: any): any {
  for (const { Type, Properties } of Object.values<any>(template.Resources)) {
    if (Type !== 'AWS::StepFunctions::StateMachine') continue;
    Properties.DefinitionString = textOf(Properties.DefinitionString)
      .replaceAll('${AWS::Partition}', 'aws')
      .replace(/\$\{[^}]*\}/g, 'arn:aws:lambda:us-east-1:123456789012:function:known-at-deploy');
    JSON.parse(Properties.DefinitionString);
  }
  return template;
}

/** W3005, a dependency that is there twice: the CDK writes it for each function, and it does no harm. */
function lint(command: string, files: string[]): Finding[] {
  try {
    return JSON.parse(execFileSync(command, ['--format', 'json', '--ignore-checks', 'W3005', '--', ...files], { encoding: 'utf8' }));
  } catch (error) {
    const { stdout } = error as { stdout?: string };
    if (!stdout) throw error;
    return JSON.parse(stdout); // its exit status tells kinds of findings
  }
}

/** A kind of state that there is not, written as the CDK writes definitions. Where it is not found, nothing is looked at. */
const PLANTED = {
  Resources: {
    Planted: {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: {
        RoleArn: 'arn:aws:iam::123456789012:role/planted',
        DefinitionString: { 'Fn::Join': ['', ['{"StartAt":"A","States":{"A":{"Type":"Tusk","Resource":"', { Ref: 'Function' }, '","End":true}}}']] },
      },
    },
  },
};

/** E1101 is an exception of a rule: what the rule would have said is not known. */
const words = ({ Rule, Message }: Finding) =>
  Rule.Id === 'E1101' ? `cfn-lint itself failed at this, and has not looked at the rest of it: ${Message}` : Message;

if (spawnSync(process.execPath, ['scripts/tools.mjs', 'python3'], { stdio: 'inherit' }).status !== 0) process.exit(1);
const folder = mkdtempSync(join(tmpdir(), 'templates-'));
try {
  const command = cfnLint();
  const files = EXAMPLE_APPS.flatMap((name) => {
    const outdir = join(folder, name);
    mkdirSync(outdir, { recursive: true });
    return Object.entries(templatesOf(name, outdir)).map(([file, template]) => {
      writeFileSync(join(outdir, file), JSON.stringify(inline(template), undefined, 1));
      return join(outdir, file);
    });
  });
  const planted = join(folder, 'planted.template.json');
  writeFileSync(planted, JSON.stringify(inline(PLANTED)));
  const found = lint(command, [planted, ...files]);
  const findings = found.filter(({ Filename }) => Filename !== planted);
  for (const file of files) {
    const here = findings.filter(({ Filename }) => Filename === file);
    console.log(`${file.slice(folder.length + 1)}: ${here.length === 0 ? 'nothing found' : `${here.length} findings`}`);
    for (const finding of here) console.log(`  ${finding.Rule.Id} ${(finding.Location.Path ?? []).join('/')}: ${words(finding)}`);
  }
  const looks = found.some(({ Filename, Rule }) => Filename === planted && Rule.Id === 'E3601');
  if (!looks) console.log('cfn-lint does not find the planted kind of state: it does not look into state machines');
  if (findings.length > 0 || !looks) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
