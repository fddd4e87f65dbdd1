import { expect, test } from "vitest";
import { Latest } from "./latest.ts";

/** Jobs that end when told to. */
function jobs() {
  const ends: (() => void)[] = [];
  let wish = "";
  const served: string[] = [];
  const latest = new Latest(async () => {
    served.push(wish);
    await new Promise<void>((resolve) => ends.push(resolve));
  });
  return {
    latest,
    served,
    ask(text: string) {
      wish = text;
      latest.ask();
    },
    async end() {
      ends.shift()?.();
      await new Promise((resolve) => setTimeout(resolve));
    },
  };
}

test("what is asked for while a job runs is left out, but for the last", async () => {
  const { latest, served, ask, end } = jobs();
  for (const text of ["a", "b", "c", "d"]) ask(text);
  expect(served).toEqual(["a"]);
  expect(latest.waiting).toBe(true);
  await end();
  expect(served).toEqual(["a", "d"]);
  await end();
  expect(served).toEqual(["a", "d"]);
  expect(latest.waiting).toBe(false);
});

test("asked after it came to rest, it runs again", async () => {
  const { served, ask, end } = jobs();
  ask("a");
  await end();
  ask("b");
  expect(served).toEqual(["a", "b"]);
  await end();
});
