/** A judge that does all that a real one may not, by turns: for tests of what watches it. */
import type { Judge } from "../judge.ts";

const kept: Uint8Array[] = [];

/** What becomes of cases 1, 3, 5 and 7. */
const misdeeds: readonly (() => void)[] = [
  () => {
    throw new TypeError("no error of ours");
  },
  () => {
    for (;;);
  },
  () => process.exit(7),
  () => {
    kept.push(new Uint8Array(1.2 * 2 ** 30).fill(1));
  },
];

/** The case that comes next: a process begins with the one that its command line names. */
let index = Number(process.argv[process.argv.indexOf("--from") + 1]);

/** Refuses even cases, and commits a misdeed at odd ones. */
export const judge: Judge = async () => {
  const now = index++;
  if (now % 2 === 1) misdeeds[(now - 1) / 2]?.();
  return "refused";
};
