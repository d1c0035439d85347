// Long test files first, so that no process is left with the longest one at the end: jest goes by size, and theirs is elsewhere.
const { default: Sequencer } = require('@jest/test-sequencer');

const LONG = /behaviour-of-|-pipeline\.test|conformance|host\.test/;

module.exports = class extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    return [...sorted.filter(({ path }) => LONG.test(path)), ...sorted.filter(({ path }) => !LONG.test(path))];
  }
};
