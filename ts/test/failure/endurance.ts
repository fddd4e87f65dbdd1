/** Thousands of calls: memory stays flat, and what nobody holds any more is collected. */
import type { Engine } from "lenslet";
import { check, equal } from "../conformance/case.ts";
import { type FailureCase, pause, withEngine } from "./setting.ts";

const CALLS = 10_000;
const DROPPED = 1000;

/** A convolution and a pool, of one of several sizes. */
function convAndPool(engine: Engine, call: number): void {
  const size = 8 + (call % 7);
  engine.scope(() => {
    const x = engine.tensor(new Float32Array(size * size * 3).fill(call), [1, size, size, 3]);
    const filter = engine.tensor(new Float32Array(27 * 8).fill(0.1), [3, 3, 3, 8]);
    engine.maxPool2d(engine.conv2d(x, filter, { activation: "relu" }), { size: 2 });
  });
}

async function convsAndPools(engine: Engine, calls: number): Promise<void> {
  for (let call = 0; call < calls; call++) {
    convAndPool(engine, call);
    if (call % 500 === 499) await engine.idle();
  }
  await engine.idle();
}

export const endurance: readonly FailureCase[] = [
  {
    name: `${CALLS} convolutions and pools: flat memory`,
    timeout: 120_000,
    async run(setting) {
      await withEngine(setting, async (engine) => {
        await convsAndPools(engine, 500);
        const before = engine.memory();
        await convsAndPools(engine, CALLS);
        const after = engine.memory();
        equal([after.tensors, after.bytes, after.peak], [0, 0, before.peak], "tensors, bytes and peak");
        equal(after.core.linear, before.core.linear, "linear memory");
        equal([after.core.tensors, after.core.packed], [before.core.tensors, before.core.packed], "the core's tensors");
        equal(after.core.workspace, before.core.workspace, "workspace");
        check(
          after.core.spare <= before.core.spare * 2 + 2 ** 20,
          `spare grew: ${before.core.spare}, ${after.core.spare}`,
        );
        check(after.core.packs >= before.core.packs + CALLS, "the filters were packed, and freed");
      });
    },
  },
  {
    name: `${DROPPED} tensors dropped without dispose are collected`,
    timeout: 60_000,
    async run(setting) {
      await withEngine(setting, async (engine) => {
        await engine.idle();
        const before = engine.memory();
        (() => {
          for (let index = 0; index < DROPPED; index++) engine.tensor(new Float32Array(1000).fill(index));
        })();
        await engine.idle();
        check(engine.memory().core.tensors >= DROPPED * 4000, "they were made");
        for (let round = 0; round < 100 && engine.memory().tensors > 0; round++) {
          await setting.collect();
          await pause(10);
        }
        equal([engine.memory().tensors, engine.memory().bytes], [0, 0], "tensors and bytes left");
        await engine.idle();
        equal(engine.memory().core.tensors, before.core.tensors, "bytes left in the core");
      });
    },
  },
  {
    name: "a tensor that is still held is not collected, nor one whose data() is pending",
    async run(setting) {
      await withEngine(setting, async (engine) => {
        const held = engine.tensor([1, 2]);
        const pending = engine.neg(engine.add(held, 1)).data();
        await setting.collect();
        equal(await pending, [-2, -3], "pending");
        await setting.collect();
        await pause(20);
        equal(await held.data(), [1, 2], "held");
        check(!held.disposed, "alive");
      });
    },
  },
];
