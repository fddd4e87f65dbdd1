/** The benchmark: measures, prints one table, writes what was asked for. `start.ts` installs the peers first. */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { chart } from "./chart.ts";
import { clock } from "./clock.ts";
import { coldStarts } from "./cold.ts";
import { compared } from "./compare.ts";
import { asset, sizes, version } from "./installed.ts";
import { type Options, parseOptions, USAGE, UsageError } from "./options.ts";
import { peers } from "./peers/all.ts";
import type { Report } from "./report.ts";
import { runSuite, type SuiteResult } from "./suite.ts";
import { text } from "./table.ts";

const note = (line: string): void => console.error(line);

async function main(args: readonly string[]): Promise<void> {
  const frames = args[0] === "frames";
  const options = parseOptions(frames ? args.slice(1) : args);
  if (options === "help") {
    console.log(USAGE);
    return;
  }
  if (frames) {
    const { framesText } = await import("./frames/run.ts");
    console.log(await framesText(options.rounds, note));
    return;
  }
  if (options.networks !== undefined) {
    console.log(await networksText(options, options.networks));
    return;
  }
  if (options.training !== undefined) {
    console.log(await trainingTable(options, options.training));
    return;
  }
  const report = options.report === undefined ? await measured(options) : read(options.report);
  console.log(text(report));
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report)}\n`);
  if (options.svg !== undefined) writeFileSync(options.svg, chart(report));
  if (options.compare !== undefined) {
    const { lines, slower } = compared(read(options.compare), report);
    console.log(`\n${lines.join("\n")}`);
    if (slower) process.exitCode = 1;
  }
}

async function measured(options: Options): Promise<Report> {
  const { result, engine } = options.browser ? await inBrowser(options) : await inNode(options);
  const started = options.cold && !options.browser ? await timedStarts(options) : [];
  return {
    format: 1,
    date: new Date().toISOString().slice(0, 10),
    host: options.browser ? "browser" : "node",
    engine,
    cpu: cpus()[0]?.model.trim() ?? "unknown processor",
    cores: availableParallelism(),
    fused: result.fused,
    clock: options.browser ? "wall" : options.clock,
    bandwidth: result.bandwidth,
    runtimes: peers.flatMap((peer) => {
      const found = result.opened.find(({ name }) => name === peer.name);
      return found
        ? [{ name: peer.name, kind: peer.kind, version: version(peer), about: found.about, missing: found.missing }]
        : [];
    }),
    cases: result.cases,
    cold: started,
    sizes: options.cold ? sizes(options.peers) : [],
  };
}

async function networksText(options: Options, names: readonly string[]): Promise<string> {
  const { runNetworks } = await import("./networks/run.ts");
  const { networkText } = await import("./networks/table.ts");
  const known = (await import("./networks/networks.ts")).networks.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UsageError(`models --case ${unknown}: there are ${known.join(", ")}`);
  const reports = await runNetworks({ ...options, names, starts: true, now: clock(options.clock) }, note);
  return networkText(reports, heading(options));
}

async function trainingTable(options: Options, names: readonly string[]): Promise<string> {
  const { runTraining } = await import("./training/run.ts");
  const { trainingText } = await import("./training/table.ts");
  const known = (await import("./training/networks.ts")).trainedNetworks.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UsageError(`train --case ${unknown}: there are ${known.join(", ")}`);
  return trainingText(await runTraining({ ...options, names }, note), heading(options));
}

function heading({ rounds, clock: which }: Options): string {
  const cpu = cpus()[0]?.model.trim() ?? "unknown processor";
  const time = which === "cpu" ? ", CPU time" : "";
  return `${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, ${cpu}, one thread each, medians of ${rounds} interleaved rounds${time}`;
}

async function inNode(options: Options): Promise<{ result: SuiteResult; engine: string }> {
  const result = await runSuite(
    { ...options, now: clock(options.clock) },
    { host: "node", build: options.build, asset },
    note,
  );
  return { result, engine: `Node ${process.versions.node}` };
}

async function inBrowser(options: Options): Promise<{ result: SuiteResult; engine: string }> {
  const { runInBrowser } = await import("./browser/run.ts");
  return runInBrowser(options, note);
}

async function timedStarts(options: Options): Promise<Report["cold"]> {
  note("cold starts");
  return coldStarts(options);
}

function read(path: string): Report {
  const report: Report = JSON.parse(readFileSync(path, "utf8"));
  if (report.format !== 1) throw new UsageError(`${path} was not written by --json of this benchmark`);
  return report;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
// Some peers keep timers or threads that would hold the process.
process.exit();
