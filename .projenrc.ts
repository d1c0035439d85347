import { awscdk, javascript, JsonFile } from 'projen';

const CDK_FLOOR = '2.250.0'; // lowest aws-cdk-lib with every feature in use; the library is compiled against it
const CDK_NEWEST = '2.276.0'; // what the tests run on a second time; raise it with each release of the CDK
const CONSTRUCTS = '10.5.1';
/** Examples import the package by its name, as a user does. */
const BY_ITS_NAME = { '^cdk-lustre-auto-export$': '<rootDir>/src' };

const project = new awscdk.AwsCdkConstructLibrary({
  name: 'cdk-lustre-auto-export',
  description: 'One CDK construct: FSx for Lustre per run, SPOT AWS Batch, automatic export to S3, deleted only when every byte is proven to be there.',
  author: 'The cdk-lustre-auto-export authors',
  authorAddress: 'cdk-lustre-auto-export@example.com',
  authorOrganization: true,
  repositoryUrl: 'https://github.com/cdk-lustre-auto-export/cdk-lustre-auto-export.git',
  license: 'Apache-2.0',
  copyrightOwner: 'The cdk-lustre-auto-export authors',
  keywords: ['aws', 'cdk', 'fsx', 'lustre', 'batch', 'spot', 'step-functions', 's3', 'hpc'],
  defaultReleaseBranch: 'main',
  packageManager: javascript.NodePackageManager.NPM,
  projenrcTs: true,
  minNodeVersion: '20.0.0',
  cdkVersion: CDK_FLOOR,
  constructsVersion: CONSTRUCTS,
  jsiiVersion: '~6.0.0',
  typescriptVersion: '~6.0.3', // the one jsii 6 carries; 7 breaks the peers of ts-jest and typescript-eslint
  sampleCode: false,
  github: false,
  release: false,
  depsUpgrade: false,
  publishToPypi: { distName: 'cdk-lustre-auto-export', module: 'cdk_lustre_auto_export' },
  publishToMaven: {
    javaPackage: 'io.github.cdklustre.autoexport',
    mavenGroupId: 'io.github.cdklustre',
    mavenArtifactId: 'cdk-lustre-auto-export',
  },
  // handlers live in lambda-src/ and are bundled by scripts/bundle-lambdas.mjs, so projen's own discovery is off
  lambdaAutoDiscover: false,
  edgeLambdaAutoDiscover: false,
  singletonLambdaAutoDiscover: false,
  lambdaExtensionAutoDiscover: false,
  integrationTestAutoDiscover: false,
  eslintOptions: {
    dirs: ['src', 'lambda-src', 'local', 'trials', 'bench', 'scripts', 'test', 'examples'],
    commandOptions: { fix: false, extraArgs: ['--cache'] },
  },
  jestOptions: {
    updateSnapshot: javascript.UpdateSnapshot.NEVER,
    jestConfig: {
      collectCoverage: false,
      testTimeout: 120_000, // a slow machine is no failure: speed is measured elsewhere
      globalSetup: '<rootDir>/scripts/jest-global-setup.cjs',
      testSequencer: '<rootDir>/scripts/jest-sequencer.cjs',
      // a look-up of a global costs a call out of the sandbox of a test file: a third of the suite's time
      additionalOptions: {
        sandboxInjectedGlobals: [
          'Array', 'Buffer', 'Error', 'JSON', 'Map', 'Math', 'Number', 'Object', 'Promise', 'RegExp', 'Set', 'String', 'Symbol', 'Uint8Array', 'WeakMap', 'WeakSet',
        ],
      },
      testPathIgnorePatterns: ['/node_modules/', '/dist/', '/lib/'],
      moduleNameMapper: BY_ITS_NAME,
    },
  },
  devDeps: [
    'esbuild@~0.28.2', // bundles the handlers; another minor changes asset hashes
    '@types/aws-lambda',
    // API models: the handlers call them, and the local engine checks every call against their schemas
    ...['batch', 'cloudwatch', 'cloudwatch-logs', 'dynamodb', 'ec2', 'ecr', 'ecs', 'fsx', 'iam', 's3', 'secrets-manager', 'sfn'].map((client) => `@aws-sdk/client-${client}@^3.1098.0`),
    'aws-local-stepfunctions@3.0.0', // a third party's States Language interpreter
    'asl-validator@^4', // rules of the States Language
    '@jest/test-sequencer@^30', // long test files first
    '@sinonjs/fake-timers@^15', // the virtual clock
    '@types/sinonjs__fake-timers@^15',
    'fast-check@^4', // property tests
    'tsx@^4', // runs the demo's TypeScript
    'commander@^14', // the demo's arguments
    'cli-table3@^0.6', // the demo's tables
    'cli-progress@^3', // the demo's live progress
    '@types/cli-progress@^3',
    'picocolors@^1', // the demo's colours
    '@viz-js/viz@^3', // graphviz, for the picture of the state machine
    'vega@^5', // plots, for the timeline
    'vega-lite@^5',
    '@stryker-mutator/core@^9', // mutants of the pure decisions
    '@stryker-mutator/jest-runner@^9',
    'aws-cdk@^2', // `npx cdk synth` of the examples; without a version npm gives an old 3.0.0
    `aws-cdk-lib-latest@npm:aws-cdk-lib@${CDK_NEWEST}`, // the same tests once more: test:latest
    'cdk-nag@^3', // AwsSolutions over every example, on the newest aws-cdk-lib
    'cspell@^9', // spelling of what can never be renamed
  ],
});

// ---- handlers: bundled once at build time, shipped in the package ----
project.preCompileTask.exec('rm -rf lib assets && node scripts/bundle-lambdas.mjs');
project.gitignore.exclude('/assets/', '/demo-out/', '/soak-out/', '/.stryker-tmp/', '.jsii.tabl.json', '.eslintcache', '/examples/**/target/', '/examples/**/.venv/', 'cdk.out/', '__pycache__/');
project.npmignore!.include('/assets/');
project.npmignore!.exclude(
  '/lambda-src/', '/local/', '/trials/', '/scripts/', '/examples/', '/bench/', '/docs/', '/stryker.config.json', '/rosetta/', '/.ci/',
  '/demo-out/', '/soak-out/', '/.stryker-tmp/', '/.eslintcache', '/tsconfig.dev.json', '/ARCHITECTURE.md', '/CONTRIBUTING.md', '/TESTING.md',
  '/.api-baseline/', '/cspell.json', '/jest.latest.json', '/tsconfig.latest.json', '/.eslintrc.latest.json',
);

// typescript-eslint takes the nearest tsconfig.json; each folder that is not published extends the one configuration
const dev = new javascript.TypescriptConfig(project, {
  fileName: 'tsconfig.dev.json',
  include: ['src/**/*.ts', 'lambda-src/**/*.ts', 'local/**/*.ts', 'test/**/*.ts', 'trials/**/*.ts', 'examples/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts', '.projenrc.ts'],
  compilerOptions: { noEmit: true, rootDir: '.', types: ['node', 'jest'], isolatedModules: true, esModuleInterop: true, skipLibCheck: true, paths: { [project.name]: ['./src/index.ts'] } },
});
dev.addExtends(project.tsconfig!);
for (const folder of ['lambda-src', 'local', 'trials', 'bench', 'scripts', 'examples']) {
  new JsonFile(project, `${folder}/tsconfig.json`, { obj: { extends: '../tsconfig.dev.json', include: ['**/*.ts'] }, marker: true });
}
project.eslint?.allowDevDeps('{lambda-src,local,trials,bench,scripts,examples}/**');
project.eslint?.addRules({ 'import/no-unresolved': ['error', { ignore: [`^${project.name}$`] }] }); // tsconfig.dev.json and jest know where it is
project.eslint?.addRules({ '@stylistic/max-len': ['error', { code: 160, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreComments: true }] });

project.testTask.prependSpawn(project.addTask('types', { description: 'Type-checks everything, tests and scripts included', exec: 'tsc --noEmit -p tsconfig.dev.json' }));

project.package.setScript('dependencies', 'node scripts/bundle-lambdas.mjs'); // npm runs it behind npm ci: every example synthesizes at once

// ---- the two commands of the README: each installs what is not there yet ----
project.package.setScript('test', 'node scripts/installed.mjs && npx projen test:all');
/** On a fresh clone, too, and with the handlers as they are now. */
const ready = 'node scripts/installed.mjs && node scripts/bundle-lambdas.mjs';
project.package.setScript('demo', `${ready} && tsx local/demo/main.ts`);
// ---- trials: thousands of rehearsals ----
for (const trial of ['soak', 'matrix', 'mutants']) project.package.setScript(trial, `${ready} && tsx trials/${trial}/main.ts`);
project.package.setScript('bench:seed-policy', `${ready} && tsx bench/seed-policy.ts`);
project.package.setScript('docs:pictures', `${ready} && tsx bench/draw-docs.ts`);
project.addTask('stryker', { description: 'Mutants of the pure decisions', exec: 'stryker run', receiveArgs: true });

project.addTask('test:all', {
  env: { NODE_OPTIONS: '--max-semi-space-size=64' }, // less time in the garbage collector
  description: 'Bundles the handlers and runs the whole suite; the build type-checks it',
  steps: [
    { exec: 'jest --ci --maxWorkers=2', receiveArgs: true },
  ],
});
project.addTask('test:latest', {
  description: 'The same suite on the newest aws-cdk-lib',
  env: { NODE_OPTIONS: '--max-semi-space-size=64', JSII_DEPRECATED: 'fail' }, // a deprecated API throws where it is called
  steps: [{ exec: 'jest --ci --maxWorkers=2 -c jest.latest.json', receiveArgs: true }],
});
// as in package.json: only where aws-cdk-lib comes from differs
new JsonFile(project, 'jest.latest.json', {
  marker: true,
  obj: () => ({
    ...project.jest!.config,
    rootDir: '.',
    moduleNameMapper: { ...BY_ITS_NAME, '^aws-cdk-lib$': '<rootDir>/node_modules/aws-cdk-lib-latest', '^aws-cdk-lib/(.*)$': '<rootDir>/node_modules/aws-cdk-lib-latest/$1' },
  }),
});
project.addTask('test:exhaustive', { description: 'Tries every state, field and many draws of unconfirmed facts', exec: 'jest --ci --maxWorkers=2 test/behaviour test/host test/conformance', env: { EXHAUSTIVE: '1' } });

// ---- packages: npm tarball, Python wheel and sdist, Java jar with sources and javadoc; and their users ----
project.postCompileTask.prependExec('jsii-rosetta extract --strict --compile'); // every example of README and docstrings compiles, and is translated
project.npmignore!.include('.jsii.tabl.json');
// Maven would write the newest versions of the day into the jar's pom: these are not asked for, so that it names the floor (test:consumers looks)
const NOT_THE_FLOOR = [CDK_FLOOR, CONSTRUCTS].map((version) => version.replaceAll('.', '\\.').replace(/^(\d+\\\.)(.*)$/, '$1(?!$2$).*'));
project.tasks.tryFind('package-all')!.reset([
  'jsii-pacmak -v -t js -t python -t java --rosetta-tablet=.jsii.tabl.json --rosetta-unknown-snippets=fail',
  `--maven-local-repository=$HOME/.m2/repository '--mvn-define=maven.version.ignore=${NOT_THE_FLOOR.join(',')}'`, // a local repository of its own is empty each time
].join(' '));
project.addTask('package:fresh', {
  steps: [{ exec: 'rm -rf dist' }, ...['pre-compile', 'compile', 'post-compile', 'package-all'].map((spawn) => ({ spawn }))],
});
project.package.setScript('package', 'node scripts/installed.mjs && node scripts/tools.mjs python3 mvn && npx projen package:fresh');
project.package.setScript('test:consumers', 'node scripts/installed.mjs && node test/consumers/main.mjs');

// ---- guards of what users build on ----
project.gitignore.include('/.api-baseline/.jsii'); // in a hidden folder: jsii-docgen reads every other .jsii
project.addTask('check:api', {
  description: 'The public API: nothing of the baseline is broken, everything has a docstring, a default and a name that is spelt right',
  steps: [{ exec: 'jsii-diff .api-baseline . -k --ignore-file .api-baseline/accepted-breaks.txt' }, { exec: 'node scripts/check-api.mjs' }],
});
project.addTask('accept:api', { description: 'The public API as it is becomes the baseline', steps: [{ spawn: 'compile' }, { exec: 'node scripts/check-api.mjs --accept' }] });
project.addTask('check:templates', { description: 'cfn-lint on the templates of all examples', exec: 'tsx scripts/check-templates.ts' });
const latest = { [project.name]: ['./src/index.ts'], 'aws-cdk-lib': ['./node_modules/aws-cdk-lib-latest'], 'aws-cdk-lib/*': ['./node_modules/aws-cdk-lib-latest/*'] };
new JsonFile(project, 'tsconfig.latest.json', {
  marker: true, obj: { extends: './tsconfig.dev.json', include: ['src/**/*.ts', 'examples/**/*.ts'], compilerOptions: { paths: latest } },
});
new JsonFile(project, '.eslintrc.latest.json', {
  marker: false, // eslint refuses a key that it does not know
  obj: {
    root: true,
    parser: '@typescript-eslint/parser',
    parserOptions: { project: './tsconfig.latest.json', sourceType: 'module' },
    plugins: ['@typescript-eslint'],
    rules: { '@typescript-eslint/no-deprecated': 'error' },
  },
});
project.addTask('check:deprecated', {
  description: 'No deprecated API of the newest aws-cdk-lib in the library and its examples, by its types',
  env: { ESLINT_USE_FLAT_CONFIG: 'false' },
  steps: [{ exec: 'tsc --noEmit -p tsconfig.latest.json' }, { exec: 'eslint --no-eslintrc -c .eslintrc.latest.json --ext .ts src examples' }],
});

project.tasks.addEnvironment('JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION', '20');
project.tasks.addEnvironment('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true'); // no call of the suite leaves the machine
project.tasks.addEnvironment('CDK_VALIDATION', 'false'); // wasm validation of aws-cdk-lib >= 2.262 makes each synth four times slower
// cdk-nag wants a newer aws-cdk-lib than the floor: it only runs where jest.latest.json puts the newest in its place
project.tryFindObjectFile('package.json')!.addOverride('overrides.cdk-nag', { 'aws-cdk-lib': '$aws-cdk-lib' });
project.package.addPackageResolutions('unrs-resolver@1.12.2'); // later versions name platform packages that not every registry holds
new javascript.NpmConfig(project).addConfig('omit-lockfile-registry-resolved', 'true'); // the lock names no host

project.synth();
