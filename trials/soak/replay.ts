import { createWriteStream, writeFileSync } from 'fs';
import { join } from 'path';
import pc from 'picocolors';
import { judge } from './judge';
import { Played, play } from './play';
import { Schedule } from './schedule';

/** Plays one schedule and tells what happened. @returns the exit status */
export async function replay(schedule: Schedule, out: string, say: (line?: string) => void): Promise<number> {
  const events = createWriteStream(join(out, 'events.jsonl'));
  const played = await play(schedule, (event, executionArn) => events.write(`${JSON.stringify({ executionArn, ...event, definition: undefined })}\n`));
  const { violations } = judge(played);
  tell(played, out, say);
  for (const { is, says } of violations) say(pc.red(`${is}: ${says}`));
  if (violations.length === 0) say(pc.green('It violates nothing.'));
  await new Promise<void>((resolve) => events.end(resolve));
  return violations.length === 0 ? 0 : 1;
}

function tell({ rehearsal: { engine } }: Played, out: string, say: (line?: string) => void): void {
  const files = { 'calls.jsonl': engine.calls, 'log.jsonl': engine.lambda.log };
  for (const [name, lines] of Object.entries(files)) writeFileSync(join(out, name), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  for (const { executionArn, input, startDate, stopDate, status, error, cause } of engine.models.stepFunctions.executions.values()) {
    say(`${pc.bold(executionArn.split(':').pop()!)} ${startDate.toISOString()} to ${stopDate?.toISOString() ?? 'now'}: ${status}${error ? ` (${error})` : ''}`);
    say(`  input ${input}`);
    if (cause) say(`  ${cause.replace(/\n/g, '\n  ')}`);
  }
  say(`every API call is in ${join(out, 'calls.jsonl')}, what functions logged in ${join(out, 'log.jsonl')}, every event in ${join(out, 'events.jsonl')}\n`);
}
