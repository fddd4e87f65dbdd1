/** The command line. */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Clock } from "./clock.ts";
import { groups } from "./groups.ts";
import type { Selected } from "./measure.ts";
import { LENSLET } from "./peers/lenslet.ts";
import { peers } from "./peers/all.ts";
import type { BuildChoice } from "./peers/peer.ts";
import { trainingPeers } from "./training/run.ts";

const trainingNames = trainingPeers.map(({ name }) => name).filter((name) => name !== LENSLET);

export const USAGE = `npm run bench -- [models|train|frames] [options]
  models             whole networks from their ONNX files, instead of single layers; --case NAME for one of them
  train              steps of training, beside ${trainingNames.join(", ")}; --case NAME for one of the networks
  frames             pictures a second in Chromium, page and worker, from RGBA bytes to their edges; takes --rounds
  --case TEXT        only cases whose name contains TEXT, or of a group: ${groups.map(({ name }) => name).join(", ")}, cold; repeatable
  --peer NAME        only this peer (${peers
    .filter(({ kind }) => kind !== "lenslet")
    .map(({ name }) => name)
    .join(", ")}); repeatable
  --rounds N         rounds, each of which visits every runtime once a case (9)
  --budget MS        time of a runtime in a round (60)
  --clock wall|cpu   time that passed, or CPU time of this process: for machines that others use meanwhile; Node only (wall)
  --build NAME       lenslet's build: auto, simd, relaxed (auto)
  --browser          in Chromium instead of Node; CHROMIUM names the program if it is not found
  --json FILE        write what was measured
  --svg FILE         draw the ratios and the roofline
  --compare FILE     say what got slower since FILE was written by --json; with a second FILE behind it, nothing is run`;

export interface Options {
  /** Whole networks to run, or to train, instead of cases, by name; all if empty. */
  readonly networks: readonly string[] | undefined;
  readonly training: readonly string[] | undefined;
  readonly cases: readonly Selected[];
  readonly cold: boolean;
  readonly peers: readonly string[];
  readonly rounds: number;
  readonly budget: number;
  readonly clock: Clock;
  readonly build: BuildChoice;
  readonly browser: boolean;
  readonly json: string | undefined;
  readonly svg: string | undefined;
  readonly compare: string | undefined;
  /** A report to use instead of running. */
  readonly report: string | undefined;
}

/** A mistake on the command line: said in a sentence, without a stack. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export function parseOptions(args: readonly string[]): Options | "help" {
  const { values, positionals } = parse(args);
  if (values.help) return "help";
  const wanted = values.case ?? [];
  const [mode] = positionals;
  const whole = mode === "models" || mode === "train";
  // The name of a group means that group alone; any other text is looked for in the cases that run by themselves.
  const isGroup = (text: string): boolean => groups.some(({ name }) => name === text);
  const cases = groups.flatMap(({ name: group, standard, members }) =>
    members
      .filter(({ layer }) =>
        wanted.length === 0
          ? standard
          : wanted.some((text) => (isGroup(text) ? text === group : standard && layer.name.includes(text))),
      )
      .map((member) => ({ ...member, group })),
  );
  const cold = wanted.length === 0 || wanted.includes("cold");
  if (cases.length === 0 && !cold && !whole) throw new UsageError(`no case is called ${wanted.join(" or ")}`);
  return {
    networks: mode === "models" ? wanted : undefined,
    training: mode === "train" ? wanted : undefined,
    cases,
    cold,
    peers: mode === "train" ? chosen(values.peer ?? [], trainingNames) : chosenPeers(values.peer ?? []),
    rounds: positive("rounds", values.rounds),
    budget: positive("budget", values.budget),
    clock: oneOf("clock", values.clock, ["wall", "cpu"]),
    build: oneOf("build", values.build, ["auto", "simd", "relaxed"]),
    browser: values.browser,
    json: path(values.json),
    svg: path(values.svg),
    compare: path(values.compare),
    report: whole ? undefined : path(mode),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        case: { type: "string", multiple: true },
        peer: { type: "string", multiple: true },
        rounds: { type: "string", default: "9" },
        budget: { type: "string", default: "60" },
        clock: { type: "string", default: "wall" },
        build: { type: "string", default: "auto" },
        browser: { type: "boolean", default: false },
        json: { type: "string" },
        svg: { type: "string" },
        compare: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Paths mean what they mean where npm was called, not in the folder that it changed to. */
function path(text: string | undefined): string | undefined {
  return text === undefined ? undefined : resolve(process.env["INIT_CWD"] ?? "", text);
}

function chosenPeers(wanted: readonly string[]): readonly string[] {
  const names = peers.map(({ name }) => name);
  const found = chosen(wanted, names);
  return names.filter((name) => name.startsWith(LENSLET) || found.includes(name));
}

/** Those of `names` that are wanted; all if none is named. */
function chosen(wanted: readonly string[], names: readonly string[]): readonly string[] {
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new UsageError(`--peer ${unknown}: there are ${names.join(", ")}`);
  return wanted.length === 0 ? names : wanted;
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value >= 1)) throw new UsageError(`--${option} ${text}: expected a number from 1 on`);
  return value;
}

function oneOf<const T extends string>(option: string, text: string, allowed: readonly T[]): T {
  const value = allowed.find((each) => each === text);
  if (value === undefined) throw new UsageError(`--${option} ${text}: expected ${allowed.join(" or ")}`);
  return value;
}
