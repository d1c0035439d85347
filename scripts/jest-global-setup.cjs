// The suite synthesizes and runs the bundles that ship, so they are built before the first test.
const { execFileSync } = require('node:child_process');
module.exports = () => { execFileSync(process.execPath, ['scripts/bundle-lambdas.mjs'], { stdio: 'inherit' }); };
