/** Who frees what and when: dispose, scope, memory, idle, and failures that travel with tensors. */
import type { Engine, Tensor } from "lenslet";
import { counting } from "../oracle/nd.ts";
import { type Case, check, equal, rejects, take, throws, upload } from "./case.ts";

/** Live tensors and their bytes. */
function live(engine: Engine): [number, number] {
  const { tensors, bytes } = engine.memory();
  return [tensors, bytes];
}

export const cases: readonly Case[] = [
  {
    name: "memory counts tensors and bytes, and remembers the peak",
    async run(engine) {
      equal(live(engine), [0, 0], "at first");
      const x = engine.tensor(new Float32Array(1000));
      const y = engine.relu(x);
      equal(live(engine), [2, 8000], "two");
      check(engine.memory().peak >= 8000, "peak");
      x.dispose();
      equal(live(engine), [1, 4000], "one");
      await take(y);
      equal(live(engine), [0, 0], "none");
      check(engine.memory().peak >= 8000, "the peak stays");
    },
  },
  {
    name: "the core's own memory falls and rises with the tensors",
    async run(engine) {
      await engine.idle();
      const before = engine.memory().core;
      const x = engine.tensor(new Float32Array(250_000));
      await engine.idle();
      const during = engine.memory().core;
      check(during.tensors - before.tensors >= 1_000_000, `${before.tensors} grew to ${during.tensors}`);
      check(during.linear >= during.tensors, "linear memory holds the tensors");
      x.dispose();
      await engine.idle();
      equal(engine.memory().core.tensors, before.tensors, "tensors after dispose");
    },
  },
  {
    name: "dispose twice is fine; disposed is true at once",
    async run(engine) {
      const x = engine.tensor([1]);
      x.dispose();
      x.dispose();
      check(x.disposed, "disposed");
      equal(live(engine), [0, 0], "memory");
      await engine.idle();
    },
  },
  {
    name: "Symbol.dispose disposes",
    async run(engine) {
      const x = engine.tensor([1]);
      x[Symbol.dispose]();
      check(x.disposed, "disposed");
      check(typeof engine[Symbol.dispose] === "function", "engines have it too");
      await engine.idle();
    },
  },
  {
    name: "data({ into }) fills an array, and a part of one",
    async run(engine) {
      const x = engine.tensor([1, 2, 3]);
      const array = new Float32Array(5);
      const into = array.subarray(1, 4);
      check((await x.data({ into })) === into, "what data resolves with");
      equal(Array.from(array), [0, 1, 2, 3, 0], "the array");
      const image = upload(engine, counting(1, 2, 2, 1));
      const { output, indices } = engine.maxPool2dWithIndices(image, { size: 2 });
      equal(Array.from(await indices.data({ into: Int32Array.of(7) })), [3], "indices");
      await rejects(x.data({ into: new Float32Array(2) }), "shape-mismatch", /2 elements, the tensor has 3/);
      await rejects(x.data({ into: new Float64Array(3) as never }), "invalid-argument", /Float32Array/);
      await rejects(output.data({ to: array } as never), "invalid-argument", /into/);
      for (const tensor of [x, image, output, indices]) tensor.dispose();
      await rejects(x.data({ into }), "tensor-disposed", /disposed/);
    },
  },
  {
    name: "data() that is pending outlives dispose",
    async run(engine) {
      const x = engine.tensor([1, 2]);
      const y = engine.neg(x);
      const data = y.data();
      x.dispose();
      y.dispose();
      equal(await data, [-1, -2], "data");
    },
  },
  {
    name: "an operand may be disposed of right after the call",
    async run(engine) {
      const x = upload(engine, counting(1, 4, 4, 1));
      const filter = upload(engine, counting(2, 2, 1, 1));
      const y = engine.conv2d(x, filter);
      x.dispose();
      filter.dispose();
      equal((await take(y))[0], 1 * 1 + 2 * 2 + 5 * 3 + 6 * 4, "first");
    },
  },
  {
    name: "scope frees what it made and keeps what it returns, nested in arrays, objects and maps",
    async run(engine) {
      const kept = engine.scope(() => {
        const x = engine.tensor([1, 2]);
        const [y, z, w] = [engine.neg(x), engine.square(x), engine.add(x, 1)];
        engine.exp(x);
        return { y, deep: [{ z }], map: new Map([["w", w]]), other: 5 };
      });
      equal(live(engine)[0], 3, "live");
      const w = kept.map.get("w");
      const z = kept.deep[0]?.z;
      check(w !== undefined && z !== undefined && kept.other === 5, "the result is what fn returned");
      equal(
        [await take(kept.y), await take(z), await take(w)],
        [
          [-1, -2],
          [1, 4],
          [2, 3],
        ],
        "values",
      );
    },
  },
  {
    name: "scope frees everything when fn throws, and throws the same",
    async run(engine) {
      const mistake = new Error("mine");
      let made: Tensor | undefined;
      let thrown: unknown;
      try {
        engine.scope(() => {
          made = engine.tensor([1]);
          throw mistake;
        });
      } catch (error) {
        thrown = error;
      }
      check(thrown === mistake, "the error is fn's own");
      check(made?.disposed === true, "disposed");
      equal(live(engine), [0, 0], "memory");
      await engine.idle();
    },
  },
  {
    name: "scopes nest: the inner result belongs to the outer scope",
    async run(engine) {
      const outside = engine.tensor([3]);
      let inner: Tensor | undefined;
      const sum = engine.scope(() => {
        inner = engine.scope(() => engine.add(engine.tensor([1]), outside));
        check(!inner.disposed, "alive in the outer scope");
        return engine.mul(inner, 2);
      });
      check(inner?.disposed === true, "freed with the outer scope");
      check(!outside.disposed, "what was made outside stays");
      equal(await take(sum), [8], "value");
      outside.dispose();
    },
  },
  {
    name: "a tensor disposed of inside its scope, and one returned from outside",
    async run(engine) {
      const outside = engine.tensor([3]);
      const same = engine.scope(() => {
        engine.tensor([1]).dispose();
        return outside;
      });
      check(same === outside && !outside.disposed, "untouched");
      outside.dispose();
      await engine.idle();
    },
  },
  {
    name: "scope refuses async functions and frees what they made",
    async run(engine) {
      throws(
        () => engine.scope(async () => engine.tensor([1])),
        "invalid-argument",
        /scope/,
        /promise/i,
        /await|outside/,
      );
      equal(live(engine), [0, 0], "memory");
      await engine.idle();
    },
  },
  {
    name: "idle resolves after everything so far, and again when nothing happened",
    async run(engine) {
      const x = engine.tensor(new Float32Array(10_000));
      const y = engine.exp(x);
      await engine.idle();
      await engine.idle();
      x.dispose();
      y.dispose();
      equal(await engine.idle(), undefined, "idle");
    },
  },
  {
    name: "views over the core's memory do not outlive its growth",
    async run(engine) {
      const small = engine.tensor([1, 2, 3]);
      const first = await small.data();
      const large = Array.from({ length: 6 }, () => engine.tensor(new Float32Array(2 ** 20).fill(7)));
      const linear = engine.memory().core.linear;
      const sums = large.map((tensor) =>
        engine.scope(() => engine.globalMaxPool2d(engine.reshape(tensor, [1, 1024, 1024, 1]))),
      );
      await engine.idle();
      check(engine.memory().core.linear >= linear, "memory grew");
      equal(first, [1, 2, 3], "what was read before");
      equal(await take(small), [1, 2, 3], "read after");
      for (const sum of sums) equal(await take(sum), [7], "computed after");
      for (const tensor of large) tensor.dispose();
    },
  },
  {
    name: "info says what runs",
    async run(engine) {
      const { info } = engine;
      check(/^\d+\.\d+\.\d+/.test(info.version), `version ${info.version}`);
      check(info.build === "simd" || info.build === "relaxed", `build ${info.build}`);
      equal(info.accuracy, "fast", "accuracy");
      equal(info.threads, 1, "threads");
      check(info.runtime.length > 0 && info.host.length > 0, "runtime and host");
      equal(engine.disposed, false, "disposed");
      await engine.idle();
    },
  },
  {
    name: "many reads at once come back in their own order",
    async run(engine) {
      const tensors = Array.from({ length: 100 }, (_, index) => engine.tensor([index]));
      const doubled = tensors.map((tensor) => engine.mul(tensor, 2));
      const values = await Promise.all(doubled.map((tensor) => tensor.data()));
      equal(
        values.map(([value]) => value),
        tensors.map((_, index) => index * 2),
        "values",
      );
      for (const tensor of [...tensors, ...doubled]) tensor.dispose();
    },
  },
];
