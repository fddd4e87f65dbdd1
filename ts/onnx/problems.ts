import { LensletError } from "../errors.ts";
import { quote } from "./malformed.ts";

/** Most nodes that a message names for the same reason. */
const SHOWN = 8;

/** Collects what a file needs and lenslet does not have, to tell all of it at once. */
export class Problems {
  readonly #nodesByReason = new Map<string, string[]>();

  /** Notes that a node, or the value of that name, needs what there is not. */
  add(reason: string, name: string): void {
    const names = this.#nodesByReason.get(reason);
    if (names === undefined) this.#nodesByReason.set(reason, [name]);
    else names.push(name);
  }

  /** Throws `model-unsupported` if anything was noted. */
  throwIfAny(): void {
    if (this.#nodesByReason.size === 0) return;
    const lines = [...this.#nodesByReason].map(([reason, names]) => {
      const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : "";
      return `- ${reason}: ${names.slice(0, SHOWN).map(quote).join(", ")}${more}`;
    });
    throw new LensletError(
      "model-unsupported",
      `importOnnx: the model needs what lenslet does not support:\n${lines.join("\n")}`,
    );
  }
}
