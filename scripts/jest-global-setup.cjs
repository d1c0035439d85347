// The suite synthesizes and runs the bundles that ship, so they are built before the first test.
const { execFileSync } = require('node:child_process');
module.exports = () => { execFileSync(process.execPath, ['scripts/bundle-lambdas.mjs'], { stdio: 'inherit' }); };
// what the tests read has no colours, whoever asks for them; workers inherit it
process.env.NO_COLOR = '1';
delete process.env.FORCE_COLOR;
