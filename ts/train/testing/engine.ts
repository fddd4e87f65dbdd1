/** An engine that trains, in this thread, for tests. */
import { afterAll, beforeAll } from "vitest";
import { createEngine, type EngineOptions } from "../../create.ts";
import type { Engine } from "../../engine.ts";

/** An engine, made before the file's tests and disposed of after them; sums are plain unless `accuracy` is another. */
export function trainingEngine(accuracy: EngineOptions["accuracy"] = "strict"): () => Engine {
  let made: Engine | undefined;
  beforeAll(async () => {
    made = await createEngine({ training: true, accuracy });
  });
  afterAll(() => made?.dispose());
  return () => {
    if (made === undefined) throw new Error("used before the tests begin");
    return made;
  };
}
