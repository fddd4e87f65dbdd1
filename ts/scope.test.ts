/** Scopes: what they free, and what they leave. */
import { describe, expect, it } from "vitest";
import type { Engine } from "./engine.ts";
import { expectError, fakeEngine, untyped } from "./test/facade.ts";
import type { Tensor } from "./tensor.ts";

describe("scope", () => {
  const one = (engine: Engine): Tensor => engine.tensor([1]);

  it("frees what it made and did not return", () => {
    const { engine, executor } = fakeEngine();
    const before = one(engine);
    let inside: Tensor | undefined;
    const kept = engine.scope(() => {
      inside = one(engine);
      return engine.add(inside, before);
    });
    expect([before.disposed, inside?.disposed, kept.disposed]).toEqual([false, true, false]);
    expect(executor.live.size).toBe(2);
  });

  it("keeps tensors in arrays, maps, sets and objects, also where they go round", () => {
    const { engine } = fakeEngine();
    const result = engine.scope(() => {
      one(engine);
      const object: Record<string, unknown> = {
        list: [one(engine), [one(engine)]],
        none: null,
        data: new Float32Array(4),
      };
      object["self"] = object;
      return { object, map: new Map([["a", one(engine)]]), set: new Set([one(engine)]) };
    });
    expect(engine.memory().tensors).toBe(4);
    expect([...result.set][0]?.disposed).toBe(false);
  });

  it("nests: what an inner scope returns belongs to the outer one", () => {
    const { engine } = fakeEngine();
    let inner: Tensor | undefined;
    const kept = engine.scope(() => {
      const [a, b] = engine.scope(() => [one(engine), one(engine), one(engine)].slice(0, 2));
      inner = b;
      expect(engine.memory().tensors).toBe(2);
      return a;
    });
    expect([kept?.disposed, inner?.disposed]).toEqual([false, true]);
  });

  it("leaves outer tensors to the outer scope when an inner one returns them", () => {
    const { engine } = fakeEngine();
    engine.scope(() => {
      const a = one(engine);
      engine.scope(() => a);
      expect(a.disposed).toBe(false);
    });
    expect(engine.memory().tensors).toBe(0);
  });

  it("frees everything when fn throws, and passes the error on", () => {
    const { engine } = fakeEngine();
    const error = new Error("mine");
    expect(() =>
      engine.scope(() => {
        one(engine);
        engine.scope(() => {
          one(engine);
          throw error;
        });
      }),
    ).toThrow(error);
    expect(engine.memory().tensors).toBe(0);
    one(engine);
    expect(engine.memory().tensors).toBe(1);
  });

  it("refuses promises and frees what came before", () => {
    const { engine } = fakeEngine();
    expectError(
      () => engine.scope(async () => one(engine)),
      "invalid-argument",
      "scope: fn returned a promise; scope ends when fn returns, so it must not wait: await data() outside, or dispose() by hand",
    );
    expect(engine.memory().tensors).toBe(0);
    expectError(() => engine.scope(untyped(3)), "invalid-argument", "scope: fn is 3; expected a function");
  });

  it("bears tensors disposed within, and the engine too", () => {
    const { engine, executor } = fakeEngine();
    engine.scope(() => one(engine).dispose());
    expect(executor.live.size).toBe(0);
    engine.scope(() => {
      one(engine);
      engine.dispose();
    });
    expect(engine.disposed).toBe(true);
  });

  it("leaves another engine's tensors alone", () => {
    const a = fakeEngine().engine;
    const b = fakeEngine().engine;
    const [x, y] = a.scope(() => [one(a), one(b)]);
    expect([x?.disposed, y?.disposed]).toEqual([false, false]);
    const z = a.scope(() => b.scope(() => ({ y: one(b), x: one(a) })));
    expect([z.x.disposed, z.y.disposed]).toEqual([false, false]);
  });
});
