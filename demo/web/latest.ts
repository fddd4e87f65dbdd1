/**
 * Runs a job again and again, but never twice at once. Asked while it runs, it runs once more afterwards, however often
 * it was asked: what a slow machine cannot keep up with is left out, and the last wish always comes true.
 */
export class Latest {
  readonly #job: () => Promise<void>;
  #running = false;
  #asked = false;

  constructor(job: () => Promise<void>) {
    this.#job = job;
  }

  /** Whether somebody asked while the job was running. */
  get waiting(): boolean {
    return this.#asked;
  }

  /** Asks for a run. The job reads what is wanted when it begins, so there is nothing to hand over. */
  ask(): void {
    this.#asked = true;
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      while (this.#asked) {
        this.#asked = false;
        await this.#job();
      }
    } finally {
      this.#running = false;
    }
  }
}
