import { SingleBar } from 'cli-progress';
import pc from 'picocolors';
import { Tally } from './report';
import { duration } from '../../local/pictures/text';

const LINE_EVERY_SECONDS = 10;

/** A bar on a terminal, a line now and then elsewhere. */
export class Progress {
  private readonly began = performance.now();
  private readonly bar?: SingleBar;
  private lastLine = 0;

  constructor(private readonly total: number, private readonly say: (line: string) => void) {
    if (!process.stdout.isTTY) return;
    this.bar = new SingleBar({ format: '{bar} {value} of {total} schedules, {eta_formatted} left  {more}', hideCursor: true, barCompleteChar: '█', barIncompleteChar: '░', etaBuffer: 200 });
    this.bar.start(total, 0, { more: '' });
  }

  show(tally: Tally): void {
    const wrong = Object.entries(tally.wrong).filter(([, each]) => each > 0).map(([name, each]) => `${each} ${name}`).join(', ');
    this.bar?.update(tally.schedules, { more: wrong ? pc.red(wrong) : pc.green('nothing wrong') });
    const seconds = (performance.now() - this.began) / 1000;
    if (this.bar || seconds - this.lastLine < LINE_EVERY_SECONDS) return;
    this.lastLine = seconds;
    this.say(`${duration(1000 * seconds)}  ${tally.schedules} of ${this.total} schedules: ${wrong || 'nothing wrong'}`);
  }

  /** A line that stays. */
  tell(line: string): void {
    this.say(this.bar ? `\r\u001b[K${line}` : line);
  }

  stop(): void {
    this.bar?.stop();
  }
}
