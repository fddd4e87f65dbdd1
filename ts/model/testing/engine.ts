/** The core in this thread, for tests of what runs on it. */
import { afterAll, beforeAll } from "vitest";
import type { Executor } from "../../command.ts";
import { createEngine } from "../../create.ts";
import { type Engine, storeOf } from "../../engine.ts";

/** An engine that sums plainly, made before the file's tests and disposed of after them. */
export function testEngine(): { readonly engine: () => Engine; readonly executor: () => Executor } {
  let made: Engine | undefined;
  beforeAll(async () => {
    made = await createEngine({ accuracy: "strict" });
  });
  afterAll(() => made?.dispose());
  const engine = (): Engine => {
    if (made === undefined) throw new Error("used before the tests begin");
    return made;
  };
  return { engine, executor: () => storeOf(engine()).executor };
}
