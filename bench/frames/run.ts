/** Pictures a second in Chromium: from RGBA bytes to their edges as RGBA bytes, in rounds that visit everyone once. */
import type { CDPSession } from "playwright-core";
import { openPage } from "../browser/host.ts";
import { median } from "../statistics.ts";
import { aligned } from "../table.ts";
import type { Kind } from "./page.ts";

const [HEIGHT, WIDTH] = [1080, 1920];

/** Pictures of a round, and before the first one. */
const [COUNT, WARM_UP] = [60, 10];

interface Contender {
  readonly name: string;
  readonly kind: Kind;
  /** Pictures under way at once. */
  readonly depth: number;
}

/** With two under way, the next picture waits in the worker while it computes one, and the page handles the one before. */
const CONTENDERS: readonly Contender[] = [
  { name: "lenslet, worker, 2 under way", kind: "worker", depth: 2 },
  { name: "lenslet, worker, 1 at a time", kind: "worker", depth: 1 },
  { name: "lenslet, page's thread", kind: "thread", depth: 1 },
  { name: "OpenCV.js, page's thread", kind: "opencv", depth: 1 },
];

/** What was found of one of them, a number a round. */
interface Found {
  readonly ms: number[];
  /** Milliseconds a picture in which the page's thread was busy. */
  readonly busy: number[];
  readonly longTasks: number[];
}

export async function framesText(rounds: number, note: (line: string) => void): Promise<string> {
  const { page, engine, close } = await openPage("frames/page.ts", note);
  try {
    await page.waitForFunction("globalThis.runFrames !== undefined");
    const session = await page.context().newCDPSession(page);
    await session.send("Performance.enable");
    const wrong = new Map<Kind, string>();
    for (const kind of new Set(CONTENDERS.map((each) => each.kind))) {
      const answer = await page.evaluate(([who, h, w]) => globalThis.openFrames(who, h, w), [
        kind,
        HEIGHT,
        WIDTH,
      ] as const);
      if (answer !== undefined) wrong.set(kind, answer);
    }
    const run = (kind: Kind, depth: number, count: number) =>
      page.evaluate(([who, under, many]) => globalThis.runFrames(who, under, many), [kind, depth, count] as const);
    const contenders = CONTENDERS.filter(({ kind }) => !wrong.has(kind));
    const found = new Map(contenders.map((each): [Contender, Found] => [each, { ms: [], busy: [], longTasks: [] }]));
    for (const { kind, depth } of contenders) await run(kind, depth, WARM_UP);
    for (let round = 0; round < rounds; round++) {
      note(`${round + 1}/${rounds}`);
      for (const [{ kind, depth }, { ms, busy, longTasks }] of found) {
        const before = await busyOf(session);
        const times = await run(kind, depth, COUNT);
        ms.push(times.ms / COUNT);
        longTasks.push(times.longTasks);
        busy.push(((await busyOf(session)) - before) / COUNT);
      }
    }
    return [
      `${engine}, ${HEIGHT}x${WIDTH}, medians of ${rounds} interleaved rounds of ${COUNT} pictures: RGBA bytes, luma, Sobel's magnitude, RGBA bytes`,
      table(found),
      ...[...wrong].map(([kind, answer]) => `  ${kind}: ${answer}`),
    ].join("\n");
  } finally {
    await close();
  }
}

/** How long the page's thread has been busy so far, milliseconds. */
async function busyOf(session: CDPSession): Promise<number> {
  const { metrics } = await session.send("Performance.getMetrics");
  return 1000 * (metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN);
}

function table(found: ReadonlyMap<Contender, Found>): string {
  return aligned([
    ["", "pictures/s", "ms", "page's thread ms", "tasks > 50 ms"],
    ...[...found].map(([{ name }, { ms, busy, longTasks }]) => [
      name,
      (1000 / median(ms)).toFixed(1),
      median(ms).toFixed(2),
      median(busy).toFixed(2),
      String(longTasks.reduce((sum, each) => sum + each, 0)),
    ]),
  ]);
}
