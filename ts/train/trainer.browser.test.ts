import { createEngine } from "lenslet";
import { describe, expect, inject, test } from "vitest";
import { trainedFingerprint } from "./testing/fingerprint.ts";

describe.each(["simd", "relaxed"] as const)("training by the %s build", (build) => {
  test.each([false, true])("gives the bits that it gives in Node; in a worker: %s", async (worker) => {
    const engine = await createEngine({ training: true, build, worker });
    expect(engine.info.build).toBe(build);
    const trained = await trainedFingerprint(engine);
    expect(Object.keys(trained).length).toBeGreaterThan(15);
    expect(trained).toEqual(inject("trainedFingerprints")[build]);
    engine.dispose();
  });
});
