import { App } from 'aws-cdk-lib';
import { addStack } from './auto-export-stack';

const app = new App();
try {
  addStack(app);
  app.synth();
} catch (error) {
  if (error instanceof TypeError || error instanceof ReferenceError) throw error; // a mistake in the code: the line matters
  // a mistake in the settings: the message says what to change, and a stack trace below it would push it off the screen
  console.error(`\n${(error as Error).message}\n`);
  process.exitCode = 1;
}
