/** Things that must not overlap, one after another. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Does `work` when all that came before it is over, however that ended. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    // Whoever asked for it hears of what goes wrong.
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
