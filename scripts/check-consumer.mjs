// Installs the packed tarball in an empty folder outside the checkout, and synthesizes as a user would:
// without esbuild and without Docker on the PATH.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const [tarball] = readdirSync('dist/js').filter((file) => file.endsWith('.tgz')).map((file) => resolve('dist/js', file));
const { peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const floor = (name) => `${name}@${peerDependencies[name].replace('^', '')}`;

const APP = `
const { App, Stack, aws_ec2: ec2, aws_s3: s3, aws_ecr: ecr } = require('aws-cdk-lib');
const { LustreAutoExportPipeline } = require('cdk-lustre-auto-export');
const app = new App();
new LustreAutoExportPipeline(new Stack(app, 'One'), 'Pipeline');
const two = new Stack(app, 'Two');
new LustreAutoExportPipeline(two, 'A');
new LustreAutoExportPipeline(two, 'B');
const own = new Stack(app, 'Own');
new LustreAutoExportPipeline(own, 'Pipeline', {
  vpc: new ec2.Vpc(own, 'Vpc', { maxAzs: 1 }), bucket: new s3.Bucket(own, 'Bucket'), prefix: '', repository: new ecr.Repository(own, 'Repository'),
});
app.synth();
`;

const folder = mkdtempSync(join(tmpdir(), 'consumer-'));
try {
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  writeFileSync(join(folder, 'app.js'), APP);
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', tarball, floor('aws-cdk-lib'), floor('constructs')], { cwd: folder, stdio: 'inherit' });
  execFileSync(process.execPath, ['app.js'], { cwd: folder, stdio: 'inherit', env: { PATH: dirname(process.execPath), CDK_OUTDIR: join(folder, 'cdk.out') } });
  const count = (stack, type) => Object.values(JSON.parse(readFileSync(join(folder, 'cdk.out', `${stack}.template.json`), 'utf8')).Resources)
    .filter((resource) => resource.Type === type).length;
  const expected = [
    ['One', 'AWS::StepFunctions::StateMachine', 1], ['Two', 'AWS::StepFunctions::StateMachine', 2],
    ['Own', 'AWS::EC2::VPC', 1], ['Own', 'AWS::S3::Bucket', 1], ['Own', 'AWS::ECR::Repository', 1],
  ];
  const wrong = expected.filter(([stack, type, number]) => count(stack, type) !== number);
  if (wrong.length > 0) throw new Error(`unexpected numbers of resources: ${wrong.map(([stack, type]) => `${stack} has ${count(stack, type)} ${type}`).join(', ')}`);
  console.log('the packed library synthesizes in an empty folder');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
