/** Programs on the core itself, in this thread and in a worker. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Executor, RunOptions, Step } from "../../command.ts";
import {
  add,
  arena,
  conv,
  HOSTS,
  input,
  none,
  numbers,
  op,
  output,
  program,
  read,
  relu,
  singly,
  start,
  type Started,
  weight,
  write,
} from "./setting.ts";

describe.each(HOSTS)("in a %s", (host) => {
  let started: Started;
  let executor: Executor;

  beforeEach(async () => {
    started = await start(host);
    executor = started.executor;
  });

  afterEach(() => executor.dispose());

  /** Runs program 1 on tensor 1 and reads the output as tensor 2. */
  async function run(length: number, options?: RunOptions): Promise<number[]> {
    await executor.run({ program: 1, inputs: [1], outputs: [{ id: 2, length }] }, options);
    const values = await read(executor, 2);
    executor.submit({ kind: "free", id: 2 });
    return values;
  }

  /** A program that takes some hundred milliseconds, in fifty steps. */
  function longProgram(): void {
    const [size, c, length] = [64, 64, 64 * 64 * 64];
    write(executor, 1, numbers(length, 1));
    write(
      executor,
      9,
      numbers(9 * c * c, 2).map((x) => x / 30),
    );
    const places = [arena(0, length), arena(length, length)] as const;
    const steps = Array.from({ length: 50 }, (_, i) =>
      conv(
        size,
        c,
        i === 0 ? input(0) : places[i % 2 === 0 ? 0 : 1],
        weight(9),
        i === 49 ? output(0) : places[i % 2 === 0 ? 1 : 0],
      ),
    );
    executor.submit(program(1, 2 * length, steps));
  }
  const LONG = 64 * 64 * 64;

  test("a program gives what its steps give one by one", async () => {
    const [size, c] = [9, 5];
    const length = size * size * c;
    const padded = Math.ceil(length / 16) * 16;
    const [a, b, d] = [arena(0, length), arena(padded, length), arena(2 * padded, 2 * length)];
    const pooled = arena(4 * padded, 4 * 4 * 2 * c);
    const steps: Step[] = [
      conv(size, c, input(0), weight(9), a),
      relu(a, b),
      conv(size, c, b, weight(9), output(0), a),
      conv(size, c, output(0), weight(8), a, b),
      op("concat", [a, b], [d], [size * size, c, c]),
      op("pool2d", [d], [pooled, output(1)], [0, 1, 1, size, size, 2 * c, 2, 2, 2, 2, 1, 1, 0, 0, 0, 0, 0, 0]),
      op("transpose", [pooled], [arena(0, 4 * 4 * 2 * c)], [3, 2 * c, 4, 4, 1, 2, 0]),
      op("unary", [arena(0, 4 * 4 * 2 * c)], [output(2)], [3]),
    ];
    const lengths = [length, 4 * 4 * 2 * c, 4 * 4 * 2 * c];
    write(executor, 1, numbers(length, 1));
    write(executor, 9, numbers(9 * c * c, 2));
    write(executor, 8, numbers(9 * c * c, 3));
    executor.submit(program(1, 5 * padded + 16, steps));
    const outputs = lengths.map((each, i) => ({ id: 20 + i, length: each }));
    await executor.run({ program: 1, inputs: [1], outputs });
    for (const command of singly(steps, new Map(lengths.entries()), [1], [30, 31, 32])) executor.submit(command);
    for (const i of [0, 1, 2]) {
      const values = await read(executor, 20 + i);
      expect(values).toHaveLength(lengths[i] ?? 0);
      expect(values.some((x) => x !== 0)).toBe(true);
      expect(values).toEqual(await read(executor, 30 + i));
    }
    await executor.idle();
  });

  test("operators that can work in place", async () => {
    const x = [-2, -1, 0, 3, 4];
    write(executor, 1, x);
    write(executor, 9, [10, 20, 30, 40, 50]);
    write(executor, 8, [2]);
    const a = arena(0, 5);
    const steps = [
      add(input(0), input(0), a, 5),
      relu(a, a),
      add(a, weight(9), a, 5),
      op("binary", [a, weight(8)], [a], [2, 1, 5, 0]),
      op("unary", [a], [a], [1]),
      relu(a, output(0)),
      op("unary", [a], [output(1)], [0]),
      op("unary", [output(1)], [output(1)], [5]),
    ];
    executor.submit(program(1, 16, steps));
    await executor.run({
      program: 1,
      inputs: [1],
      outputs: [
        { id: 2, length: 5 },
        { id: 3, length: 5 },
      ],
    });
    expect(await read(executor, 2)).toEqual([0, 0, 0, 0, 0]);
    expect(await read(executor, 3)).toEqual(x.map((value, i) => ((Math.max(2 * value, 0) + 10 * (i + 1)) * 2) ** 2));
  });

  test("in place where it cannot be is refused when the program is loaded", async () => {
    write(executor, 1, [1, 2]);
    executor.submit(program(1, 16, [op("softmax", [arena(0, 2)], [arena(0, 2)], [1, 2, 1])]));
    await expect(executor.idle()).rejects.toMatchObject({
      code: "invalid-argument",
      message: /softmax: outputs output 0 overlaps input 0/,
    });
    await expect(run(2)).rejects.toMatchObject({ message: /overlaps/ });
    await expect(executor.run({ program: 7, inputs: [], outputs: [] })).rejects.toMatchObject({
      message: /no program 7/,
    });
  });

  test("a failing step is named; nothing is left of the outputs, and the engine goes on", async () => {
    write(executor, 1, [1, 2]);
    executor.submit(program(1, 16, [relu(input(0), arena(0, 2)), add(arena(0, 2), input(0), output(0), 3)]));
    await executor.idle();
    const before = executor.memory().tensors;
    const failure = { code: "shape-mismatch", argument: "steps[1]", message: /^run: steps\[1\]: a has 2 elements/ };
    await expect(executor.run({ program: 1, inputs: [1], outputs: [{ id: 2, length: 3 }] })).rejects.toMatchObject(
      failure,
    );
    await expect(executor.read(2)).rejects.toMatchObject(failure);
    executor.submit({ kind: "op", op: "activation", inputs: [2], outputs: [{ id: 3, length: 2 }], words: [1, 0, 0] });
    await expect(executor.read(3)).rejects.toMatchObject(failure);
    await expect(executor.idle()).rejects.toMatchObject(failure);
    for (const id of [2, 3]) executor.submit({ kind: "free", id });
    await executor.idle();
    expect(executor.memory().tensors).toBe(before);
    executor.submit(program(1, 0, [relu(input(0), output(0))]));
    expect(await run(2)).toEqual([1, 2]);
  });

  test("an input that was freed, or never made", async () => {
    executor.submit(program(1, 0, [relu(input(0), output(0))]));
    await expect(run(2)).rejects.toMatchObject({ code: "tensor-disposed" });
    write(executor, 1, [1, 2]);
    await expect(executor.run({ program: 1, inputs: [], outputs: [{ id: 2, length: 2 }] })).rejects.toMatchObject({
      message: /input 0/,
    });
    await expect(executor.run({ program: 1, inputs: [1], outputs: [] })).rejects.toMatchObject({ message: /outputs/ });
    expect(await run(2)).toEqual([1, 2]);
  });

  test("an arena larger than memory", async () => {
    executor.submit(program(1, 2 ** 29 + 2 ** 28, [relu(input(0), output(0))]));
    await expect(executor.idle()).rejects.toMatchObject({ code: "out-of-memory" });
    write(executor, 1, [1, -2]);
    await expect(run(2)).rejects.toMatchObject({ code: "out-of-memory" });
    executor.submit(program(1, 16, [relu(input(0), output(0))]));
    expect(await run(2)).toEqual([1, 0]);
  });

  test("weights live as long as a program that names them; the arena goes with the last one", async () => {
    write(executor, 1, [1, 2]);
    write(executor, 9, [10, 20]);
    executor.submit(program(1, 1600, [add(input(0), weight(9), output(0), 2)]));
    executor.submit(program(2, 16, [relu(input(0), output(0))]));
    executor.submit({ kind: "free", id: 9 });
    write(executor, 8, [5, 5]);
    expect(await run(2)).toEqual([11, 22]);
    await executor.idle();
    expect(executor.memory()).toMatchObject({ tensors: 3 * 64, arena: 6400 });
    executor.submit({ kind: "freeProgram", id: 1 });
    await executor.idle();
    expect(executor.memory()).toMatchObject({ tensors: 2 * 64 });
    await executor.run({ program: 2, inputs: [1], outputs: [{ id: 2, length: 2 }] });
    expect(executor.memory()).toMatchObject({ arena: 64 });
    executor.submit({ kind: "freeProgram", id: 2 });
    await executor.idle();
    expect(executor.memory()).toMatchObject({ arena: 0 });
  });

  test("weights that are needed packed only", async () => {
    const [size, c] = [6, 4];
    const length = size * size * c;
    write(executor, 1, numbers(length, 1));
    write(executor, 9, numbers(9 * c * c, 2));
    const steps = [conv(size, c, input(0), weight(9), output(0))];
    executor.submit(program(1, 0, steps));
    const expected = await run(length);
    await executor.idle();
    const before = executor.memory();
    executor.submit(program(2, 0, steps, [9]));
    await executor.idle();
    expect(executor.memory()).toMatchObject({
      tensors: before.tensors - 9 * c * c * 4,
      packed: before.packed,
      packs: 1,
    });
    expect(await run(length)).toEqual(expected);
    await expect(executor.read(9)).rejects.toMatchObject({ code: "tensor-disposed", message: /packed form only/ });
    // The same filter in another layout is packed otherwise, and there is nothing to pack.
    const [first] = steps;
    const other = op("conv2d", first?.inputs ?? [], [output(0)], first?.words.with(1, 1) ?? []);
    executor.submit(program(3, 0, [other]));
    await expect(executor.idle()).rejects.toMatchObject({ argument: "steps[0]", message: /input 1 is not there/ });
    for (const id of [1, 2, 3]) executor.submit({ kind: "freeProgram", id });
    for (const id of [1, 9]) executor.submit({ kind: "free", id });
    await executor.idle();
    expect(executor.memory()).toMatchObject({ tensors: 0, packed: 0 });
  });

  test("a weight that a step reads as it is keeps its elements", async () => {
    write(executor, 1, numbers(6 * 6 * 4, 1));
    write(executor, 9, numbers(9 * 16, 2));
    const steps = [conv(6, 4, input(0), weight(9), output(0)), add(weight(9), weight(9), arena(0, 144), 144)];
    executor.submit(program(1, 144, steps, [9]));
    await run(144);
    expect(await read(executor, 9)).toHaveLength(144);
  });

  test("every step can be timed, and progress watched", async () => {
    longProgram();
    const seen: number[] = [];
    const onStep = (done: number, total: number): void => {
      expect(total).toBe(50);
      seen.push(done);
    };
    const { milliseconds } = await executor.run(
      { program: 1, inputs: [1], outputs: [{ id: 2, length: LONG }] },
      { timed: true, onStep },
    );
    expect(milliseconds).toHaveLength(50);
    expect(Math.min(...(milliseconds ?? []))).toBeGreaterThan(0);
    expect(seen.at(-1)).toBe(50);
    expect(seen.length).toBeGreaterThan(5);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    const plain = await run(LONG);
    expect(await run(LONG, { onStep: () => undefined })).toEqual(plain);
  });

  test("an abort is noticed within a step, frees the outputs, and the engine goes on", async () => {
    longProgram();
    await run(LONG);
    const start = performance.now();
    const expected = await run(LONG);
    const whole = performance.now() - start;
    await executor.idle();
    const { tensors } = executor.memory();
    const controller = new AbortController();
    let reached = 0;
    let since = 0;
    const aborted = executor.run(
      { program: 1, inputs: [1], outputs: [{ id: 2, length: LONG }] },
      {
        signal: controller.signal,
        onStep: (done) => {
          reached = done;
          if (done < 5 || controller.signal.aborted) return;
          since = performance.now();
          controller.abort(new Error("enough"));
        },
      },
    );
    const later = run(LONG);
    await expect(aborted).rejects.toMatchObject({ code: "aborted", argument: "signal" });
    // Where it was at 5 of 50 steps, it goes on for one more, or a message's way.
    expect(performance.now() - since).toBeLessThan(whole / 2);
    expect(reached).toBeLessThan(25);
    expect(await later).toEqual(expected);
    await executor.idle();
    expect(executor.memory().tensors).toBe(tensors);
  });

  test("a signal that was aborted before", async () => {
    write(executor, 1, [1]);
    executor.submit(program(1, 0, [relu(input(0), output(0))]));
    await expect(run(1, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "aborted" });
    expect(await run(1)).toEqual([1]);
  });

  test("a timer's abort comes through while a run keeps the thread busy", async () => {
    longProgram();
    const signal = AbortSignal.timeout(20);
    await expect(run(LONG, { signal })).rejects.toMatchObject({ code: "aborted" });
  });

  test("what onStep throws ends the run and comes back", async () => {
    longProgram();
    const fault = new RangeError("a fault of the caller's");
    const onStep = (): void => {
      throw fault;
    };
    await expect(run(LONG, { onStep })).rejects.toBe(fault);
    await executor.idle();
  });

  test("runs and commands wait for the run that is under way", async () => {
    longProgram();
    const expected = await run(LONG);
    const order: string[] = [];
    const watch = (name: string): RunOptions => ({ onStep: () => order.push(name) });
    const request = (id: number): Parameters<Executor["run"]>[0] => ({
      program: 1,
      inputs: [1],
      outputs: [{ id, length: LONG }],
    });
    const first = executor.run(request(2), watch("first"));
    const second = executor.run(request(3), watch("second"));
    const bytes = new Uint8Array(Float32Array.of(1, -2).buffer);
    executor.submit({ kind: "write", id: 4, bytes });
    if (host === "thread") bytes.fill(0);
    executor.submit({ kind: "op", op: "unary", inputs: [4], outputs: [{ id: 5, length: 2 }], words: [1] });
    const third = read(executor, 5).then((values) => {
      order.push("read");
      return values;
    });
    executor.submit({ kind: "free", id: 1 });
    expect(await third).toEqual([-1, 2]);
    await Promise.all([first, second]);
    expect(order.filter((name, i) => name !== order[i - 1])).toEqual(["first", "second", "read"]);
    expect(await read(executor, 2)).toEqual(expected);
    expect(await read(executor, 3)).toEqual(expected);
    await executor.idle();
  });

  test("dispose in the middle of a run rejects it, and what waits for it", async () => {
    longProgram();
    const running = executor.run(
      { program: 1, inputs: [1], outputs: [{ id: 2, length: LONG }] },
      {
        onStep: () => executor.dispose(),
      },
    );
    const waiting = executor.read(1);
    await expect(running).rejects.toMatchObject({ code: "engine-disposed" });
    await expect(waiting).rejects.toMatchObject({ code: "engine-disposed" });
    await expect(executor.run({ program: 1, inputs: [1], outputs: [] })).rejects.toMatchObject({
      code: "engine-disposed",
    });
  });

  test.runIf(host === "worker")("a worker that is ended in the middle of a run", async () => {
    longProgram();
    await executor.idle();
    const runs = [{}, { onStep: () => undefined }].map((options) => {
      const running = executor.run({ program: 1, inputs: [1], outputs: [{ id: 2, length: LONG }] }, options);
      return expect(running).rejects.toMatchObject({ code: "worker-lost" });
    });
    await new Promise((resolve) => setTimeout(resolve, 10));
    await started.worker?.terminate();
    await Promise.all(runs);
  });

  test("1,000 runs: flat memory", async () => {
    const length = 12 * 12 * 8;
    write(executor, 1, numbers(length, 1));
    write(executor, 9, numbers(9 * 64, 2));
    const steps = [
      conv(12, 8, input(0), weight(9), arena(0, length)),
      relu(arena(0, length), arena(0, length)),
      add(arena(0, length), input(0), output(0), length),
    ];
    executor.submit(program(1, length, steps));
    const rounds = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        await executor.run(
          { program: 1, inputs: [1], outputs: [{ id: 2, length }] },
          i % 10 === 0 ? { timed: true } : {},
        );
        executor.submit({ kind: "free", id: 2 });
      }
      await executor.idle();
    };
    await rounds(20);
    const before = executor.memory();
    await rounds(1000);
    expect(executor.memory()).toEqual(before);
  });

  test("explanations of strategies", async () => {
    const words = (step: Step): readonly number[] => step.words;
    expect(await executor.explain("conv2d", words(conv(64, 64, none, none, none)), false)).toBe("winograd");
    expect(await executor.explain("conv2d", words(conv(9, 3, none, none, none)), false)).toBe("direct");
    // 512 to 512 channels on 7x7: a filter among others is transformed for half of the memory.
    const large = [0, 0, 1, 7, 7, 512, 512, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0];
    expect(await executor.explain("conv2d", large, false)).toBe("winograd-rows");
    expect(await executor.explain("conv2d", large, true)).toBe("winograd");
    expect(await executor.explain("dense", [1, 2, 3, 0, 0, 0, 0], false)).toBe("gemm");
    expect(await executor.explain("activation", [1, 0, 0], false)).toBe("");
    await expect(executor.explain("conv2d", [0], false)).rejects.toMatchObject({ code: "invalid-argument" });
    await expect(executor.explain("dense", [1, 0, 3, 0, 0, 0, 0], false)).rejects.toMatchObject({
      message: /explain: input/,
    });
    await executor.idle();
  });
});
