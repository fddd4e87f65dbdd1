/** Puts the suites before a test runner: which one, and on which platform, is the adapters' business. */
import { createEngine, type Engine } from "lenslet";
import { type Case, check, equal, throws } from "./conformance/case.ts";
import { cases as convolutions } from "./conformance/conv.ts";
import { subjects } from "./conformance/index.ts";
import { failureCases } from "./failure/index.ts";
import type { Platform } from "./failure/setting.ts";
import { mistakes } from "./mistakes/index.ts";
import { clear, type Mistake, prepare } from "./mistakes/mistake.ts";
import { kinds, runRandom } from "./random/cases.ts";
import { casesOf, type Reference } from "./reference/cases.ts";

/** A test runner, as far as the suites need it. */
export interface Runner {
  describe(name: string, body: () => void): void;
  test(name: string, run: () => Promise<void>, timeout?: number): void;
  afterAll(run: () => void): void;
}

/** An engine to test: where it runs, and which build it must turn out to be. */
export interface Target {
  readonly worker: boolean;
  readonly build: "simd" | "relaxed";
  readonly runtime: "node" | "browser";
  /** `"fast"` unless it is given. */
  readonly accuracy?: "fast" | "strict";
}

/** What the suites are fed with from outside. */
export interface Fodder {
  readonly references: readonly Reference[];
  /** Seed of the first random spec of each kind. */
  readonly seed: number;
}

/** Random specs a kind on each engine. */
const RANDOM_SPECS = 2000;
const RANDOM_TIMEOUT = 120_000;

/** Both hosts with each of the builds. */
export function targets(runtime: Target["runtime"], builds: readonly Target["build"][]): Target[] {
  return builds.flatMap((build) => [false, true].map((worker) => ({ worker, build, runtime })));
}

function nameOf({ worker, build }: Pick<Target, "worker" | "build">): string {
  return `${worker ? "worker" : "thread"}, ${build}`;
}

/** Makes the engine of a target, and makes sure that it is the one that was meant. */
async function start({ worker, build, runtime, accuracy = "fast" }: Target): Promise<Engine> {
  const engine = await createEngine({ worker, build, accuracy });
  const { info } = engine;
  check(info.accuracy === accuracy, `${accuracy} was meant, ${info.accuracy} ran`);
  check(info.build === build, `${build} was meant, ${info.build} ran`);
  check(info.runtime === runtime, `${runtime} was meant, ${info.runtime} ran`);
  check((info.host === "thread") !== worker, `${worker ? "a worker" : "this thread"} was meant, ${info.host} ran`);
  return engine;
}

/** All cases that know nothing of platforms, on one engine. */
export function registerConformance(runner: Runner, target: Target, { references, seed }: Fodder): void {
  const { describe, test, afterAll } = runner;
  describe(nameOf(target), () => {
    let engine: Promise<Engine> | undefined;
    afterAll(() => {
      engine?.then((made) => made.dispose()).catch(() => undefined);
    });

    /** Runs on the shared engine; a failure leaves who knows what behind, so the next test gets another. */
    async function onEngine(run: (engine: Engine) => Promise<void>): Promise<void> {
      engine ??= start(target);
      const shared = engine;
      try {
        const made = await shared;
        await run(made);
        equal([made.memory().tensors, made.memory().bytes], [0, 0], "tensors and bytes left behind");
      } catch (error) {
        engine = undefined;
        shared.then((made) => made.dispose()).catch(() => undefined);
        throw error;
      }
    }

    test("the build and the host that were meant are those that run", async () => {
      const own = await start(target);
      own.dispose();
    });
    const register = (cases: readonly Case[]): void => {
      for (const one of cases) test(one.name, () => onEngine(one.run));
    };
    for (const [subject, cases] of Object.entries(subjects)) describe(subject, () => register(cases));
    describe("PyTorch", () => {
      for (const reference of references) register(casesOf(reference));
    });
    describe("random specs", () => {
      for (const kind of kinds) {
        const run = (): Promise<void> => onEngine((made) => runRandom(made, kind, seed, RANDOM_SPECS));
        test(`${RANDOM_SPECS} of ${kind.name}`, run, RANDOM_TIMEOUT);
      }
    });
    describe("mistakes", () => {
      for (const mistake of mistakes) test(mistake.name, () => onEngine((made) => runMistake(made, mistake)));
    });
  });
}

/** Convolutions on engines that may use plain sums only, and so have to keep the smaller tolerance. */
export function registerStrict({ describe, test }: Runner, target: Target, seed: number): void {
  async function onStrict(run: (engine: Engine) => Promise<void>): Promise<void> {
    const engine = await start({ ...target, accuracy: "strict" });
    try {
      await run(engine);
    } finally {
      engine.dispose();
    }
  }
  describe(`${nameOf(target)}, strict`, () => {
    for (const one of convolutions) test(one.name, () => onStrict(one.run));
    for (const kind of kinds.filter(({ name }) => name === "conv2d")) {
      const run = (): Promise<void> => onStrict((made) => runRandom(made, kind, seed, RANDOM_SPECS));
      test(`${RANDOM_SPECS} of ${kind.name}`, run, RANDOM_TIMEOUT);
    }
  });
}

/** The failure suite for one kind of engine: each case makes and breaks its own. */
export function registerFailures({ describe, test }: Runner, { worker, build }: Target, platform: Platform): void {
  describe(nameOf({ worker, build }), () => {
    const setting = { ...platform, worker, build };
    for (const [subject, cases] of Object.entries(failureCases(worker))) {
      describe(subject, () => {
        for (const { name, run, timeout } of cases) test(name, () => run(setting), timeout);
      });
    }
  });
}

/** Makes one mistake: it must throw, leave nothing behind, and not keep the engine from working. */
async function runMistake(engine: Engine, mistake: Mistake): Promise<void> {
  const other = await createEngine({ build: engine.info.build });
  try {
    const ready = prepare(engine, other);
    await engine.idle();
    const { tensors, bytes, core } = engine.memory();
    const error = throws(() => mistake.call(engine, ready), mistake.code, ...mistake.says);
    equal(error.argument, mistake.argument, `the argument that the error names (${error.message})`);
    check(error.message.length < 400, `${error.message.length} letters are no message`);
    await engine.idle();
    const after = engine.memory();
    equal([after.tensors, after.bytes, after.core.tensors], [tensors, bytes, core.tensors], "memory");
    const sum = engine.add(ready.vector, 1);
    equal(await sum.data(), [2, 3, 4, 5, 6, 7], "work after the mistake");
    sum.dispose();
    clear(ready);
  } finally {
    other.dispose();
  }
}

/** The same mistakes on both engines: class, code, text and argument must be the same. */
export function registerParity({ test }: Runner, { build, runtime }: Target): void {
  test("thread and worker tell mistakes in the same words", async () => {
    const [thread, worker] = await Promise.all(
      [false, true].map((inWorker) => start({ build, runtime, worker: inWorker })),
    );
    check(thread !== undefined && worker !== undefined, "two engines");
    const [here, there] = [prepare(thread, worker), prepare(worker, thread)];
    for (const mistake of mistakes) {
      const [first, second] = [
        throws(() => mistake.call(thread, here), mistake.code),
        throws(() => mistake.call(worker, there), mistake.code),
      ];
      equal(first.toValue(), second.toValue(), mistake.name);
      equal([first.constructor === second.constructor, first.name], [true, second.name], `${mistake.name}: class`);
    }
    thread.dispose();
    worker.dispose();
  });
}
