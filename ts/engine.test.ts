import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it, vi } from "vitest";
import { expectError, fakeEngine, untyped } from "./test/facade.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Collects until `done`, for as long as finalizers may take. */
async function collect(done: () => boolean, rounds = 100): Promise<void> {
  for (let i = 0; i < rounds && !done(); i++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe("tensor", () => {
  it("has the shape of its data, or the one that is given", () => {
    const { engine } = fakeEngine();
    const vector = engine.tensor([1, 2, 3]);
    const matrix = engine.tensor(new Float32Array(6), [2, 3]);
    const scalar = engine.tensor([7], []);
    expect([vector.shape, matrix.shape, scalar.shape]).toEqual([[3], [2, 3], []]);
    expect([vector.size, matrix.size, scalar.size]).toEqual([3, 6, 1]);
    expect(String(matrix)).toBe("Tensor float32 [2, 3]");
    expect(matrix.engine).toBe(engine);
  });

  it("copies data and shape", async () => {
    const { engine } = fakeEngine();
    const data = Float32Array.of(1, 2);
    const shape = [2, 1];
    const tensor = engine.tensor(data, shape);
    data[0] = 9;
    shape[0] = 9;
    expect(await tensor.data()).toEqual(Float32Array.of(1, 2));
    expect(tensor.shape).toEqual([2, 1]);
    expect(Object.isFrozen(tensor.shape)).toBe(true);
  });

  it("gives executors elsewhere bytes of their own", () => {
    const { engine, executor } = fakeEngine();
    executor.host = "worker-url";
    const data = Float32Array.of(1, 2);
    engine.tensor(data);
    engine.add(data, { data, shape: [2] });
    const buffers = executor.commands.map((command) => (command.kind === "write" ? command.bytes.buffer : undefined));
    expect(buffers.filter((buffer) => buffer !== undefined).length).toBe(3);
    expect(buffers).not.toContain(data.buffer);
    expect(new Set(buffers.slice(0, 3)).size).toBe(3);
  });

  it("takes any array of numbers", async () => {
    const { engine } = fakeEngine();
    const expected = Float32Array.of(1, 2, 255);
    for (const data of [[1, 2, 255], Uint8Array.of(1, 2, 255), Float64Array.of(1, 2, 255)]) {
      expect(await engine.tensor(data).data()).toEqual(expected);
    }
    expect(await engine.tensor(Float32Array.of(0, 1, 2, 255).subarray(1)).data()).toEqual(expected);
    expect(await engine.tensor(new Float32Array(new SharedArrayBuffer(8))).data()).toEqual(new Float32Array(2));
  });

  it("leaves nothing behind of data that there is no memory to copy", () => {
    const { engine, executor } = fakeEngine();
    executor.host = "worker-url";
    const small = Float32Array.of(1);
    const message =
      "tensor: no 4 bytes left to copy the data for the worker; use smaller inputs, or { transfer: true }";
    const slice = vi.spyOn(Uint8Array.prototype, "slice");
    const full = (): never => {
      throw new RangeError("Array buffer allocation failed");
    };
    slice.mockImplementationOnce(full);
    expectError(() => engine.tensor(small), "out-of-memory", message);
    // The first operand was copied, here and by the executor; the second one was not.
    const copy = (): Uint8Array<ArrayBuffer> => new Uint8Array(4);
    slice.mockImplementationOnce(copy).mockImplementationOnce(copy).mockImplementationOnce(full);
    expectError(() => engine.add(small, small), "out-of-memory", message);
    slice.mockRestore();
    expect(engine.memory()).toMatchObject({ tensors: 0, bytes: 0 });
    expect(executor.live.size).toBe(0);
  });

  it("transfers data, which is then gone from the caller", async () => {
    const { engine } = fakeEngine();
    const data = Float32Array.of(1, 2);
    const tensor = engine.tensor(data, [2], { transfer: true });
    expect(data.length).toBe(0);
    expect(await tensor.data()).toEqual(Float32Array.of(1, 2));
  });

  it("refuses what it cannot transfer, and leaves it whole", () => {
    const { engine } = fakeEngine();
    const part = new Float32Array(4).subarray(1);
    expectError(
      () => engine.tensor(part, undefined, { transfer: true }),
      "invalid-argument",
      "tensor: data is a Float32Array of 3 elements; expected a Float32Array over the whole of its ArrayBuffer, to transfer; leave transfer out to copy",
    );
    const data = new Float32Array(4);
    expectError(
      () => engine.tensor(data, [5], { transfer: true }),
      "shape-mismatch",
      "tensor: data has 4 elements; expected 5 for shape [5]",
    );
    expect(data.length).toBe(4);
  });

  it.each<[string, unknown, unknown, string, string]>([
    ["no array", 5, undefined, "invalid-argument", "tensor: data is 5; expected a Float32Array or an array of numbers"],
    ["nothing", [], undefined, "invalid-argument", "tensor: data is []; expected at least one number"],
    [
      "nested arrays",
      [[1, 2], [3]],
      undefined,
      "invalid-argument",
      "tensor: data[0] is [1, 2]; expected a number (nested arrays go in flat, with a shape)",
    ],
    ["text", [1, "2"], undefined, "invalid-argument", 'tensor: data[1] is "2"; expected a number'],
    ["a hole", [1, undefined], undefined, "invalid-argument", "tensor: data[1] is undefined; expected a number"],
    ["bigints", BigInt64Array.of(1n), undefined, "invalid-argument", "tensor: data[0] is 1n; expected a number"],
    ["a wrong length", [1, 2, 3], [2, 2], "shape-mismatch", "tensor: data has 3 elements; expected 4 for shape [2, 2]"],
    [
      "a size of 0",
      [],
      [0],
      "invalid-argument",
      "tensor: shape is [0]; expected an array of up to 8 positive integers",
    ],
    [
      "NaN",
      [1],
      [Number.NaN],
      "invalid-argument",
      "tensor: shape is [NaN]; expected an array of up to 8 positive integers",
    ],
    [
      "a fraction",
      [1],
      [1.5],
      "invalid-argument",
      "tensor: shape is [1.5]; expected an array of up to 8 positive integers",
    ],
    [
      "a number as shape",
      [1],
      1,
      "invalid-argument",
      "tensor: shape is 1; expected an array of up to 8 positive integers",
    ],
    [
      "nine axes",
      [1],
      [1, 1, 1, 1, 1, 1, 1, 1, 1],
      "invalid-argument",
      "tensor: shape is [1, 1, 1, 1, 1, 1, 1, 1, ... 9 values]; expected an array of up to 8 positive integers",
    ],
    [
      "2^31 elements",
      [1],
      [65536, 32768],
      "too-large",
      "tensor: shape is [65536, 32768], which is 2147483648 elements; expected at most 536870911 (2 GiB of float32, what WebAssembly can hold at a time)",
    ],
  ])("refuses %s", (_, data, shape, code, message) => {
    const { engine, executor } = fakeEngine();
    expectError(() => engine.tensor(untyped(data), untyped(shape)), untyped(code), message);
    expect(executor.commands).toEqual([]);
    expect(engine.memory().tensors).toBe(0);
  });

  it("refuses unknown options", () => {
    const { engine } = fakeEngine();
    expectError(
      () => engine.tensor([1], [1], untyped({ transferred: true })),
      "invalid-argument",
      'tensor: options has the unknown key "transferred"; expected transfer',
    );
  });
});

describe("memory", () => {
  it("counts tensors, bytes and the peak", () => {
    const { engine, executor } = fakeEngine();
    const a = engine.tensor(new Float32Array(100));
    const b = engine.relu(a);
    expect(engine.memory()).toMatchObject({ tensors: 2, bytes: 800, peak: 800, core: { linear: 65536 } });
    a.dispose();
    a.dispose();
    expect(engine.memory()).toMatchObject({ tensors: 1, bytes: 400, peak: 800 });
    expect([a.disposed, b.disposed]).toEqual([true, false]);
    b[Symbol.dispose]();
    expect(engine.memory()).toMatchObject({ tensors: 0, bytes: 0, peak: 800 });
    expect(executor.live.size).toBe(0);
  });

  it("counts elements once that a reshape shares", async () => {
    const { engine, executor } = fakeEngine();
    const a = engine.tensor(new Float32Array(6));
    const b = engine.reshape(a, [2, 3]);
    expect(engine.memory()).toMatchObject({ tensors: 2, bytes: 24, peak: 24 });
    a.dispose();
    expect(engine.memory()).toMatchObject({ tensors: 1, bytes: 24 });
    expect(await b.data()).toEqual(new Float32Array(6));
    b.dispose();
    expect(engine.memory()).toMatchObject({ tensors: 0, bytes: 0 });
    expect(executor.live.size).toBe(0);
  });

  it("uploads arrays for the call only, and not at all when the call is refused", () => {
    const { engine, executor } = fakeEngine();
    const x = engine.tensor(new Float32Array(9), [1, 3, 3, 1]);
    const filter = { data: new Float32Array(9), shape: [3, 3, 1, 1] };
    const y = engine.conv2d(x, filter, { bias: [1] });
    expect(engine.memory()).toMatchObject({ tensors: 2, bytes: 36 + 4, peak: 36 + 36 + 4 + 4 });
    expect(executor.commands.map(({ kind }) => kind)).toEqual(["write", "write", "write", "op", "free", "free"]);
    expect(() => engine.conv2d(x, filter, { bias: [1, 2] })).toThrow(/bias has shape \[2\]/);
    y.dispose();
    expect(() => engine.add([1, 2], y)).toThrow(/disposed/);
    expect(executor.commands.length).toBe(7);
    expect(executor.live.size).toBe(1);
  });

  it("frees tensors that nobody holds", async () => {
    const { engine, executor } = fakeEngine();
    (() => {
      for (let i = 0; i < 1000; i++) engine.relu(engine.tensor([i]));
    })();
    expect(engine.memory().tensors).toBe(2000);
    await collect(() => engine.memory().tensors === 0);
    expect(engine.memory()).toMatchObject({ tensors: 0, bytes: 0 });
    expect(executor.live.size).toBe(0);
  });

  it("ends engines that nobody holds, but not while they are waited for", async () => {
    let open: (() => void) | undefined;
    const { executor, answer } = (() => {
      const { engine, executor } = fakeEngine();
      executor.gate = new Promise<void>((resolve) => {
        open = resolve;
      });
      return { executor, answer: engine.idle() };
    })();
    // The executor holds the question, as a worker's would: its answer leads back to the engine.
    await collect(() => executor.disposals > 0, 20);
    expect(executor.disposals).toBe(0);
    open?.();
    await answer;
    await collect(() => executor.disposals > 0);
    expect(executor.disposals).toBe(1);
  });
});

describe("misuse", () => {
  it("refuses disposed tensors", async () => {
    const { engine } = fakeEngine();
    const x = engine.tensor([1], [1, 1, 1, 1]);
    const filter = engine.tensor([1], [1, 1, 1, 1]);
    filter.dispose();
    const remedy = "dispose of it after its last use, or keep it by returning it from its scope";
    expectError(
      () => engine.conv2d(x, filter),
      "tensor-disposed",
      `conv2d: filter is a tensor that was disposed; ${remedy}`,
    );
    expectError(
      () => engine.reshape(filter, [1]),
      "tensor-disposed",
      `reshape: x is a tensor that was disposed; ${remedy}`,
    );
    await expect(filter.data()).rejects.toMatchObject({
      code: "tensor-disposed",
      message: "data: the tensor was disposed; read it before, or keep it by returning it from its scope",
    });
  });

  it("lets a tensor be disposed of while its data is on the way", async () => {
    const { engine } = fakeEngine();
    const x = engine.tensor([1]);
    const data = x.data();
    x.dispose();
    expect(await data).toEqual(Float32Array.of(1));
  });

  it("refuses another engine's tensors", () => {
    const a = fakeEngine().engine;
    const b = fakeEngine().engine;
    const x = b.tensor([1]);
    expectError(
      () => a.add(a.tensor([1]), x),
      "foreign-tensor",
      "add: b is a tensor of another engine; expected one of this engine (copy it: engine.tensor(await b.data(), b.shape))",
    );
    expect(() => a.reshape(x, [1])).toThrow(/another engine/);
  });

  it("refuses what is no tensor", () => {
    const { engine } = fakeEngine();
    const remedy = "expected a tensor: engine.tensor(data, shape) makes one";
    expectError(() => engine.relu(untyped(undefined)), "invalid-argument", `relu: x is undefined; ${remedy}`);
    expectError(
      () => engine.relu(untyped(new Float32Array(3))),
      "invalid-argument",
      `relu: x is a Float32Array of 3 elements; ${remedy}`,
    );
    expectError(() => engine.flatten(untyped({})), "invalid-argument", `flatten: x is {}; ${remedy}`);
  });

  it("refuses indices where numbers are wanted, and gives them as integers", async () => {
    const { engine } = fakeEngine();
    const x = engine.tensor(new Float32Array(16), [1, 4, 4, 1]);
    const { output, indices } = engine.maxPool2dWithIndices(x, { size: 2 });
    expect([output.dtype, indices.dtype]).toEqual(["float32", "int32"]);
    expect(await indices.data()).toEqual(new Int32Array(4));
    expect(await engine.flatten(indices).data()).toEqual(new Int32Array(4));
    expectError(
      () => engine.relu(untyped(indices)),
      "invalid-argument",
      "relu: x is an int32 tensor; expected float32 (indices are for reading: await x.data())",
    );
    expect(() => engine.concat([output, untyped(indices)], { axis: 0 })).toThrow("tensors[1] is an int32 tensor");
  });
});

describe("dispose", () => {
  it("makes every later call fail", async () => {
    const { engine, executor } = fakeEngine();
    const x = engine.tensor([1], [1, 1, 1, 1]);
    engine.dispose();
    engine.dispose();
    engine[Symbol.dispose]();
    expect(executor.disposals).toBe(1);
    expect([engine.disposed, x.disposed]).toEqual([true, true]);
    const text = (call: string): string => `${call}: the engine was disposed; createEngine() makes a new one`;
    const calls: readonly [string, () => unknown][] = [
      ["tensor", () => engine.tensor([1])],
      ["relu", () => engine.relu(x)],
      ["conv2d", () => engine.conv2d(untyped(0), untyped(0))],
      ["maxPool2dWithIndices", () => engine.maxPool2dWithIndices(x, { size: 1 })],
      ["add", () => engine.add(1, 2)],
      ["neg", () => engine.neg(x)],
      ["reshape", () => engine.reshape(x, [1])],
      ["flatten", () => engine.flatten(x)],
      ["scope", () => engine.scope(() => 1)],
      ["memory", () => engine.memory()],
    ];
    for (const [name, call] of calls) expectError(call, "engine-disposed", text(name));
    await expect(x.data()).rejects.toMatchObject({ code: "engine-disposed", message: text("data") });
    await expect(engine.idle()).rejects.toMatchObject({ code: "engine-disposed", message: text("idle") });
    x.dispose();
  });

  it("rejects what is pending, whether the executor does or answers still", async () => {
    for (const late of [true, false]) {
      const { engine, executor } = fakeEngine();
      const data = engine.tensor([1]).data();
      const idle = engine.idle();
      if (late) executor.dispose = () => undefined;
      engine.dispose();
      const remedy = "the engine was disposed; createEngine() makes a new one";
      await expect(data).rejects.toMatchObject({ code: "engine-disposed", message: `data: ${remedy}` });
      await expect(idle).rejects.toMatchObject({ code: "engine-disposed", message: `idle: ${remedy}` });
    }
  });
});

it("tells what it runs on", () => {
  const { engine } = fakeEngine();
  expect(engine.info).toEqual({
    version: "0.0.0",
    build: "simd",
    accuracy: "fast",
    runtime: "node",
    host: "thread",
    threads: 1,
    training: false,
  });
  expect(Object.isFrozen(engine.info)).toBe(true);
});
