/** Progress: one line that is rewritten on a terminal, now and then a plain line elsewhere. */
import type { CampaignProgress } from "../properties/campaign.js";

const TERMINAL_INTERVAL = 100;
const PLAIN_INTERVAL = 10_000;

/** The line that says how far something is. */
export class StatusLine {
  private last = 0;

  constructor(private readonly stream: NodeJS.WriteStream = process.stderr) {}

  /** Shows the line unless one was shown a short while ago. `elapsed` counts milliseconds from the beginning. */
  show(elapsed: number, line: () => string): void {
    const interval = this.stream.isTTY ? TERMINAL_INTERVAL : PLAIN_INTERVAL;
    if (elapsed - this.last < interval) return;
    this.last = elapsed;
    this.stream.write(this.stream.isTTY ? `\r\x1b[K${line()}` : `${line()}\n`);
  }

  /** Leaves the terminal with an empty line. */
  done(): void {
    if (this.stream.isTTY) this.stream.write("\r\x1b[K");
  }
}

/** Prints how far a campaign is. `runs` and `milliseconds` are its limits. */
export class Progress {
  private readonly status: StatusLine;

  constructor(
    private readonly name: string,
    private readonly runs: number,
    private readonly milliseconds: number,
    stream: NodeJS.WriteStream = process.stderr,
  ) {
    this.status = new StatusLine(stream);
  }

  show(state: CampaignProgress): void {
    this.status.show(state.elapsed, () => this.line(state));
  }

  /** Leaves the terminal with an empty line. */
  done(): void {
    this.status.done();
  }

  private line({ runs, findings, elapsed }: CampaignProgress): string {
    const rate = runs / Math.max(elapsed / 1000, 1e-9);
    const byRuns = ((this.runs - runs) / Math.max(rate, 1e-9)) * 1000;
    const left = Math.max(0, Math.min(byRuns, this.milliseconds - elapsed));
    const found = findings === 0 ? "" : `, ${findings} distinct finding${findings === 1 ? "" : "s"}`;
    return `${this.name}: ${runs} scenarios, ${Math.round(rate)}/s, ${Math.ceil(left / 1000)} s left${found}`;
  }
}
