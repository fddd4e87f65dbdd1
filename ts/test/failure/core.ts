/** What only the core can notice: no memory left, a trap. */
import type { Engine, Tensor } from "lenslet";
import { check, equal, expectError, rejects } from "../conformance/case.ts";
import { trapIn } from "./doctor.ts";
import { checkFresh, type FailureCase, withEngine } from "./setting.ts";

/** 1 GiB of elements made of a few: nothing of that size crosses to the worker. */
function large(engine: Engine, seed: Tensor): Tensor {
  return engine.pad(seed, { padding: [[0, 2 ** 28 - 1]], value: 1 });
}

export const core: readonly FailureCase[] = [
  {
    name: "out of memory marks the result and all computed from it; freeing makes room again",
    timeout: 120_000,
    async run(setting) {
      await withEngine(setting, async (engine) => {
        const seed = engine.tensor([1]);
        const held: Tensor[] = [];
        let failed: Tensor | undefined;
        // WebAssembly's memory ends at 4 GiB.
        while (failed === undefined && held.length < 5) {
          const next = large(engine, seed);
          try {
            await engine.idle();
            held.push(next);
          } catch (error) {
            expectError(error, "out-of-memory", [/pad|memory/, /dispose|smaller/]);
            failed = next;
          }
        }
        check(failed !== undefined, `${held.length} GiB fit`);
        const after = engine.add(engine.neg(failed), 1);
        const error = await rejects(after.data(), "out-of-memory");
        const original = await rejects(failed.data(), "out-of-memory");
        equal(error.toValue(), original.toValue(), "the same error");
        await rejects(engine.idle(), "out-of-memory");
        await engine.idle();
        equal(await engine.square(engine.tensor([3])).data(), [9], "small results still fit");
        check(engine.memory().core.tensors >= held.length * 2 ** 30, "what was held is still held");
        held.pop()?.dispose();
        failed.dispose();
        // Not as much as was freed: the allocator aligns within what it finds.
        const again = engine.pad(seed, { padding: [[0, 2 ** 27]], value: 1 });
        await engine.idle();
        again.dispose();
        for (const tensor of held) tensor.dispose();
        await engine.idle();
        check(engine.memory().core.tensors < 2 ** 20, `${engine.memory().core.tensors} bytes are left`);
      });
    },
  },
  {
    name: "a core that traps: its results reject, so does all that follows, and a new engine can be made",
    async run(setting) {
      const wasm = trapIn(await setting.core(setting.build), "softmax");
      await withEngine(
        setting,
        async (engine) => {
          const x = engine.tensor([1, 2]);
          equal(await engine.neg(x).data(), [-1, -2], "before the trap");
          const trapped = engine.softmax(x);
          const after = engine.neg(trapped);
          const error = await rejects(trapped.data(), "core-trapped", /stopped|trap/, /create another/);
          equal((await rejects(after.data(), "core-trapped")).message, error.message, "the same error");
          await rejects(engine.idle(), "core-trapped");
          await rejects(engine.neg(x).data(), "core-trapped");
          x.dispose();
          check(engine.memory().tensors > 0, "memory still answers");
          engine.dispose();
        },
        { wasm },
      );
      await checkFresh(setting);
    },
  },
  {
    name: "a core that traps when it allocates",
    async run(setting) {
      const wasm = trapIn(await setting.core(setting.build), "allocBuffer");
      await withEngine(
        setting,
        async (engine) => {
          await rejects(engine.tensor([1]).data(), "core-trapped");
          await rejects(engine.idle(), "core-trapped");
        },
        { wasm },
      );
    },
  },
];
