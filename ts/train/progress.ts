/** A training's progress, drawn for people: a bar where a line can be written again, a line an epoch elsewhere. */
import type { EpochReport, Scores, StepReport } from "./history.ts";
import type { Terminal } from "../platform/platform.ts";

/** Milliseconds between two drawings. */
const INTERVAL = 100;

/** Draws one training. */
export class ProgressBar {
  readonly #terminal: Terminal;
  readonly #epochs: number;
  readonly #now: () => number;
  #begun: number;
  #drawn = -Infinity;
  /** Batches of the epoch that were there when it began, or went on. */
  #before: number | undefined;
  /** Characters that are on the line. */
  #length = 0;

  /** `now` tells milliseconds. */
  constructor(terminal: Terminal, epochs: number, now: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#epochs = epochs;
    this.#now = now;
    this.#begun = now();
  }

  /** Draws how far a step has brought the training. */
  step(report: StepReport): void {
    const now = this.#now();
    this.#before ??= report.batch - 1;
    const { columns } = this.#terminal;
    if (columns === undefined || now - this.#drawn < INTERVAL) return;
    this.#drawn = now;
    const { epoch, batch, batches, running } = report;
    const each = (now - this.#begun) / Math.max(1, batch - this.#before);
    const left = duration(each * (batches - batch));
    const head = `epoch ${epoch}/${this.#epochs} `;
    const tail = ` ${batch}/${batches}  ${scoresText(running)}  ${left} left`;
    const room = Math.min(30, columns - 1 - head.length - tail.length - 2);
    const filled = Math.max(0, Math.round((room * batch) / batches));
    const bar = room < 4 ? "" : `[${"=".repeat(filled)}${" ".repeat(room - filled)}]`;
    this.#write(`${head}${bar}${tail}`.slice(0, columns - 1));
  }

  /** Tells of an epoch that is over, on a line that stays. */
  epoch({ epoch, validation, milliseconds, ...scores }: EpochReport, batches: number): void {
    this.#before = undefined;
    this.#begun = this.#now();
    this.#drawn = -Infinity;
    const held = validation === undefined ? "" : `  validation: ${scoresText(validation)}`;
    const text = `epoch ${epoch}/${this.#epochs}  ${scoresText(scores)}${held}  ${batches} steps in ${duration(milliseconds)}`;
    if (this.#terminal.columns !== undefined) this.#write(text);
    else this.#terminal.write(text);
    this.#terminal.write("\n");
    this.#length = 0;
  }

  /** Leaves the cursor at the start of a line. */
  end(): void {
    if (this.#length > 0) this.#terminal.write("\n");
    this.#length = 0;
  }

  /** Writes the line anew, over what is there. */
  #write(text: string): void {
    this.#terminal.write(`\r${text.padEnd(this.#length)}`);
    this.#length = text.length;
  }
}

function scoresText({ loss, metrics }: Scores): string {
  return Object.entries({ loss, ...metrics })
    .map(([name, value]) => `${name} ${value.toFixed(4)}`)
    .join("  ");
}

function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
