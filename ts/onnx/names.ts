/** Names of which no two are the same. */
export class Names {
  readonly #taken: Set<string>;
  /** Where the search for a free number ended, so that a name that comes often is not searched for from the start. */
  readonly #next = new Map<string, number>();

  /** `taken` are names that there are already. */
  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken);
  }

  /** `hint`, or where that is taken `hint:2` and so on. */
  unique(hint: string): string {
    let name = hint;
    for (let i = this.#next.get(hint) ?? 2; this.#taken.has(name); i++) {
      name = `${hint}:${i}`;
      this.#next.set(hint, i + 1);
    }
    this.#taken.add(name);
    return name;
  }
}
