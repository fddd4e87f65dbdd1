/** Workers that end, what a chain of operators costs in messages, and the caller's own thread. */
import { createEngine, type Engine, type WorkerLike } from "lenslet";
import { check, equal, rejects } from "../conformance/case.ts";
import { checkFresh, type FailureCase, longWork, pause, type Setting, withEngine } from "./setting.ts";

/** How soon everything pending must reject. */
const SOON_MS = 100;

/** Ends the worker under an engine in the middle of work; everything must reject. Gives the milliseconds that it took. */
async function killInMidCall(setting: Setting): Promise<number> {
  const worker = setting.ownWorker();
  const engine = await createEngine({ build: setting.build, worker: () => worker });
  const x = engine.tensor([1]);
  await engine.idle();
  const pending = [longWork(engine, 20).data(), engine.neg(x).data(), engine.idle()];
  const refusals = pending.map((promise) => rejects(promise, "worker-lost", /worker was lost/, /createEngine/));
  await pause(30);
  const since = performance.now();
  worker.terminate();
  await Promise.all(refusals);
  const took = performance.now() - since;
  // Operators still check and return; what comes of them says what happened.
  const later = engine.add(engine.tensor([1]), 1);
  await rejects(later.data(), "worker-lost");
  await rejects(x.data(), "worker-lost");
  await rejects(engine.idle(), "worker-lost");
  later.dispose();
  equal(engine.disposed, false, "disposed");
  engine.dispose();
  engine.dispose();
  await rejects(x.data(), "engine-disposed");
  return took;
}

/** Counts messages to and from a worker from now on. */
function countMessages(worker: WorkerLike, setting: Setting): { posted: number; heard: number } {
  const counts = { posted: 0, heard: 0 };
  const post = worker.postMessage.bind(worker);
  worker.postMessage = (...message: Parameters<typeof post>) => {
    counts.posted++;
    post(...message);
  };
  setting.onMessage(worker, () => counts.heard++);
  return counts;
}

function chain(engine: Engine): Promise<Float32Array> {
  const result = engine.scope(() => {
    let x = engine.tensor(new Float32Array(64).fill(2), [1, 8, 8, 1]);
    const filter = { data: new Float32Array(9).fill(1 / 9), shape: [3, 3, 1, 1] };
    for (let step = 0; step < 5; step++) x = engine.relu(engine.conv2d(x, filter, { padding: "same" }));
    return x;
  });
  const data = result.data();
  result.dispose();
  return data;
}

export const workers: readonly FailureCase[] = [
  {
    name: `a worker ended in mid-call: all that is pending rejects within ${SOON_MS} ms`,
    timeout: 60_000,
    async run(setting) {
      const times: number[] = [];
      // The bound is one of time, and other tests run beside this one.
      while (times.length < 5 && !times.some((time) => time < SOON_MS)) times.push(await killInMidCall(setting));
      check(Math.min(...times) < SOON_MS, `it took ${times.map(Math.round).join(", ")} ms`);
      await checkFresh(setting);
    },
  },
  {
    name: "a worker ended while nobody waits",
    async run(setting) {
      const worker = setting.ownWorker();
      await withEngine(
        setting,
        async (engine) => {
          const x = engine.tensor([1]);
          await engine.idle();
          worker.terminate();
          await pause(50);
          await rejects(x.data(), "worker-lost");
        },
        { worker: () => worker },
      );
    },
  },
  ...["exit", "throw"].map(
    (fault): FailureCase => ({
      name: `a worker that ends by itself: ${fault}`,
      async run(setting) {
        const worker = setting.fragileWorker();
        await withEngine(
          setting,
          async (engine) => {
            const x = engine.tensor([1]);
            equal(await x.data(), [1], "before");
            worker.postMessage(fault);
            await rejects(engine.scope(() => engine.neg(longWork(engine))).data(), "worker-lost", /createEngine/);
            await rejects(x.data(), "worker-lost");
          },
          { worker: () => worker },
        );
        await checkFresh(setting);
      },
    }),
  ),
  {
    name: "an engine made inside a worker of the caller's own",
    async run(setting) {
      equal(await setting.insideWorker(false), ["thread", -5], "in that worker's thread");
      const [host, value] = (await setting.insideWorker(true)) as [string, number];
      check(host.startsWith("worker-") && value === -5, `in a worker of that worker: ${host}, ${value}`);
    },
  },
  {
    name: "dispose in mid-call returns at once",
    async run(setting) {
      const engine = await createEngine({ build: setting.build, worker: true });
      const refused = rejects(longWork(engine, 20).data(), "engine-disposed");
      await pause(30);
      const since = performance.now();
      engine.dispose();
      check(performance.now() - since < SOON_MS, `it took ${performance.now() - since} ms`);
      await refused;
    },
  },
  {
    name: "a chain of ten operators and one data() is one message each way",
    async run(setting) {
      const worker = setting.ownWorker();
      await withEngine(
        setting,
        async (engine) => {
          await chain(engine);
          await engine.idle();
          const counts = countMessages(worker, setting);
          const [first] = await chain(engine);
          check(first !== undefined && first > 0, "the chain has a result");
          // The engine's listener hears a message before the one that counts.
          await pause(10);
          check(counts.heard >= 1, "the count counts");
          equal([counts.posted, counts.heard], [1, 1], "messages to and from the worker");
        },
        { worker: () => worker },
      );
    },
  },
  {
    name: "heavy work in the worker does not delay the caller's thread",
    timeout: 60_000,
    async run(setting) {
      await withEngine(setting, async (engine) => {
        let last = performance.now();
        let longest = 0;
        let ticks = 0;
        const timer = setInterval(() => {
          const now = performance.now();
          longest = Math.max(longest, now - last);
          last = now;
          ticks++;
        }, 1);
        const since = performance.now();
        await longWork(engine, 8).data();
        const took = performance.now() - since;
        clearInterval(timer);
        check(took > 100, `${took} ms is no heavy work`);
        check(longest < took / 2, `the thread stood still for ${longest} of ${took} ms`);
        check(ticks > 10, `${ticks} ticks in ${took} ms`);
      });
    },
  },
  {
    name: "two engines have two workers",
    async run(setting) {
      await withEngine(setting, async (first) => {
        await withEngine(setting, async (second) => {
          const busy = longWork(first, 20).data();
          const since = performance.now();
          equal(await second.tensor([1]).data(), [1], "data");
          check(performance.now() - since < 1000, "the second waited for the first");
          first.dispose();
          await rejects(busy, "engine-disposed");
        });
      });
    },
  },
];
