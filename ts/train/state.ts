/** Where a training stands, as data and as a file: whoever goes on from there gets the same bits as if it had never stopped. */
import { LensletError } from "../errors.ts";
import type { Constant } from "../model/constant.ts";
import type { Graph, ValueName } from "../model/graph.ts";
import { isCount, show } from "../options.ts";
import { formatShape } from "../shape.ts";
import type { EpochReport, TallyValue } from "./history.ts";
import { type Optimizer, parseOptimizer } from "./optimiser.ts";
import { readSafetensors, type TensorFile, writeSafetensors } from "./safetensors.ts";
import type { TrainingState } from "./trainer.ts";

/** What decides, beside the weights, how a training goes on. */
export interface Setup {
  /** Of dropout and of what is held out. */
  readonly seed: number;
  /** Of the order of samples. */
  readonly shuffle: number | false;
  readonly batchSize: number;
  /** Samples that are trained on. */
  readonly samples: number;
  readonly optimizer: Optimizer;
}

/** How far a training has come. */
export interface Position {
  /** Whole epochs. */
  readonly epoch: number;
  /** Batches of the epoch after those. */
  readonly batch: number;
  /** Sums over these batches. */
  readonly tally: TallyValue;
  readonly epochs: readonly EpochReport[];
}

/** All that is needed to go on. */
export interface Checkpoint {
  readonly setup: Setup;
  readonly position: Position;
  readonly state: TrainingState;
  /** After the best epoch so far, where early stopping wants to come back to it and it was not the last. */
  readonly best?: TrainingState | undefined;
}

/** Where a file keeps what is no weight: before the names of what an optimiser remembers, and of the best epoch's. */
const SLOT = "optimizer:";
const BEST = "best:";

/** The key of the text that says the rest. */
const TEXT = "lenslet";

/** The float32 constants of a graph that files of weights hold: all but single numbers, such as the bounds of a Clip. */
export function weightsOf({ constants }: Graph): ReadonlyMap<ValueName, Constant<"float32">> {
  const weights = new Map<ValueName, Constant<"float32">>();
  for (const [name, constant] of constants)
    if (constant.type === "float32" && constant.shape.length > 0) weights.set(name, constant);
  return weights;
}

/** A file of a graph's weights, and of where its training stands. */
export function writeWeights(graph: Graph, checkpoint?: Checkpoint): Uint8Array<ArrayBuffer> {
  const weights = weightsOf(graph);
  if (checkpoint === undefined) return writeSafetensors({ tensors: weights, metadata: new Map() });
  const { setup, position, state, best } = checkpoint;
  const tensors = new Map([...weights, ...tensorsOf(state)]);
  if (best !== undefined) for (const [name, tensor] of tensorsOf(best)) tensors.set(`${BEST}${name}`, tensor);
  const text = {
    version: 1,
    setup,
    position,
    steps: state.steps,
    bestSteps: best?.steps,
    parameters: [...state.parameters.keys()],
    statistics: [...state.statistics.keys()],
  };
  return writeSafetensors({ tensors, metadata: new Map([[TEXT, JSON.stringify(text)]]) });
}

function tensorsOf({ parameters, statistics, slots }: TrainingState): [string, Constant<"float32">][] {
  const named = [...slots].map(([name, slot]): [string, Constant<"float32">] => [`${SLOT}${name}`, slot]);
  return [...parameters, ...statistics, ...named];
}

/**
 * A graph with the weights of a file, which has all of them and no others.
 *
 * Throws `model-invalid` for a malformed file, `shape-mismatch` for weights that are not this graph's.
 */
export function withWeights(call: string, graph: Graph, bytes: Uint8Array): Graph {
  const { tensors } = readSafetensors(call, bytes);
  const wanted = weightsOf(graph);
  const isOther = (name: string): boolean => name.startsWith(SLOT) || name.startsWith(BEST);
  const found = new Map([...tensors].filter(([name]) => graph.constants.has(name) || !isOther(name)));
  const missing = [...wanted.keys()].filter((name) => !found.has(name));
  const unknown = [...found.keys()].filter((name) => graph.constants.get(name)?.type !== "float32");
  if (missing.length + unknown.length > 0) {
    const lacks = missing.length === 0 ? "" : ` lacks ${shown(missing)}`;
    const has = unknown.length === 0 ? "" : ` has ${shown(unknown)}, which the network has not`;
    const text = `${call}: the file of weights${lacks}${lacks && has && " and"}${has}; expected a file that saveWeights() made of the same network`;
    throw new LensletError("shape-mismatch", text, { argument: "weights" });
  }
  for (const [name, { shape }] of found) {
    const own = graph.constants.get(name)?.shape ?? [];
    if (formatShape(own) === formatShape(shape)) continue;
    const text = `${call}: the file's ${show(name)} has shape ${formatShape(shape)}, the network's ${formatShape(own)}; expected weights of the same network`;
    throw new LensletError("shape-mismatch", text, { argument: "weights" });
  }
  return { ...graph, constants: new Map([...graph.constants, ...found]) };
}

function shown(names: readonly string[]): string {
  return `${names.slice(0, 5).map(show).join(", ")}${names.length > 5 ? ` and ${names.length - 5} more` : ""}`;
}

/**
 * Where the training stood that a file was made of. Whether it is one of this network, the trainer sees.
 *
 * Throws `model-invalid` for a file that is malformed or was saved without `{ optimizer: true }`.
 */
export function readCheckpoint(call: string, bytes: Uint8Array): Checkpoint {
  const file = readSafetensors(call, bytes);
  const text = file.metadata.get(TEXT);
  if (text === undefined) {
    const message = `${call}: resume is a file of weights alone; expected one of model.saveWeights({ optimizer: true })`;
    throw new LensletError("model-invalid", message, { argument: "resume" });
  }
  try {
    return checkpointOf(call, file, text);
  } catch (cause) {
    const message = `${call}: resume is a file whose text about the training is malformed (${cause instanceof Error ? cause.message : String(cause)}); expected one of model.saveWeights({ optimizer: true })`;
    throw new LensletError("model-invalid", message, { argument: "resume", cause });
  }
}

function checkpointOf(call: string, { tensors }: TensorFile, text: string): Checkpoint {
  // A metric may be anything, also what JSON has no word for.
  const root: unknown = JSON.parse(text, (_, value: unknown) => (value === null ? Number.NaN : value));
  const { version, setup, position, steps, bestSteps, parameters, statistics } = object("the text", root);
  if (version !== 1) throw new Error(`version is ${show(version)}, and this lenslet reads 1`);
  const names = { parameters: texts("parameters", parameters), statistics: texts("statistics", statistics) };
  return {
    setup: setupOf(call, object("setup", setup)),
    position: positionOf(object("position", position)),
    state: stateOf(tensors, "", number("steps", steps), names),
    best: bestSteps === undefined ? undefined : stateOf(tensors, BEST, number("bestSteps", bestSteps), names),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function setupOf(call: string, { seed, shuffle, batchSize, samples, optimizer }: Fields): Setup {
  return {
    seed: number("seed", seed),
    shuffle: shuffle === false ? false : number("shuffle", shuffle),
    batchSize: number("batchSize", batchSize),
    samples: number("samples", samples),
    optimizer: parseOptimizer(call, optimizer),
  };
}

function positionOf({ epoch, batch, tally, epochs }: Fields): Position {
  const { size, loss, metrics } = object("tally", tally);
  if (!Array.isArray(epochs)) throw new Error(`epochs is ${show(epochs)}`);
  for (const report of epochs) {
    const { validation, ...scores } = object("an epoch", report);
    checkScores(scores);
    if (validation !== undefined) checkScores(object("validation", validation));
  }
  checkScores({ loss, metrics });
  const sums = { size: number("size", size), loss: Number(loss), metrics: metrics as Readonly<Record<string, number>> };
  return {
    epoch: number("epoch", epoch),
    batch: number("batch", batch),
    tally: sums,
    epochs: epochs as readonly EpochReport[],
  };
}

function checkScores({ loss, metrics }: Fields): void {
  const values = [loss, ...Object.values(object("metrics", metrics))];
  if (!values.every((value) => typeof value === "number")) throw new Error(`scores are ${show(values)}`);
}

function stateOf(
  tensors: TensorFile["tensors"],
  prefix: string,
  steps: number,
  { parameters, statistics }: { readonly parameters: readonly string[]; readonly statistics: readonly string[] },
): TrainingState {
  const named = (names: readonly string[]): ReadonlyMap<ValueName, Constant<"float32">> =>
    new Map(
      names.map((name) => {
        const tensor = tensors.get(`${prefix}${name}`);
        if (tensor === undefined) throw new Error(`there is no tensor ${show(`${prefix}${name}`)}`);
        return [name, tensor];
      }),
    );
  const start = `${prefix}${SLOT}`;
  const slots = [...tensors].filter(([name]) => name.startsWith(start));
  return {
    steps,
    parameters: named(parameters),
    statistics: named(statistics),
    slots: new Map(slots.map(([name, tensor]) => [name.slice(start.length), tensor])),
  };
}

function object(name: string, value: unknown): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new Error(`${name} is ${show(value)}`);
}

function number(name: string, value: unknown): number {
  if (isCount(value, 0, Number.MAX_SAFE_INTEGER)) return value;
  throw new Error(`${name} is ${show(value)}`);
}

function texts(name: string, value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((text) => typeof text === "string")) return value;
  throw new Error(`${name} is ${show(value)}`);
}
