/** Names are made of others, which may be as long as a file. */
const LONGEST = 200;

/** Names of which no two are the same. */
export class Names {
  readonly #taken: Set<string>;
  /** Where the search for a free number ended, so that a name that comes often is not searched for from the start. */
  readonly #next = new Map<string, number>();

  /** `taken` are names that there are already. */
  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken);
  }

  /** `wanted`, or where that is taken `wanted:2` and so on; of a long name the beginning. */
  unique(wanted: string): string {
    const hint = wanted.length > LONGEST ? wanted.slice(0, LONGEST) : wanted;
    let name = hint;
    for (let i = this.#next.get(hint) ?? 2; this.#taken.has(name); i++) {
      name = `${hint}:${i}`;
      this.#next.set(hint, i + 1);
    }
    this.#taken.add(name);
    return name;
  }
}
