/** An engine that trains, in this thread, for tests. */
import { afterAll, beforeAll } from "vitest";
import { createEngine } from "../../create.ts";
import type { Engine } from "../../engine.ts";

/** An engine that sums plainly, made before the file's tests and disposed of after them. */
export function trainingEngine(): () => Engine {
  let made: Engine | undefined;
  beforeAll(async () => {
    made = await createEngine({ training: true, accuracy: "strict" });
  });
  afterAll(() => made?.dispose());
  return () => {
    if (made === undefined) throw new Error("used before the tests begin");
    return made;
  };
}
