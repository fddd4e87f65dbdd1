/** Models from wherever they come. */
import { platform } from "#platform";
import type { Engine } from "./engine.ts";
import { LensletError } from "./errors.ts";
import type { Graph } from "./model/graph.ts";
import { withoutBatchNorm } from "./model/fold-batch-norm.ts";
import { Model, type ModelServices, type SaveOptions } from "./model/model.ts";
import { validateGraph } from "./model/validate.ts";
import { checkOptions, invalid } from "./options.ts";
import { type FileSource, isFileSource, type Progress, readFile } from "./source.ts";

/** A model's file, or a network written by hand. */
export type ModelSource = FileSource | Graph;

/** Options of {@link Engine.load}. */
export interface LoadOptions {
  /** Gives up: the promise rejects with code `"aborted"`, and what was loaded is freed. */
  readonly signal?: AbortSignal | undefined;
  /** Told as the file arrives. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /**
   * Where the files are that hold weights beside the model's own, by the names that it has for them. Default: beside the
   * model, which must have come from an address or a path.
   */
  readonly externalData?: ((location: string) => FileSource | Promise<FileSource>) | undefined;
  /**
   * A safetensors file of weights, such as `model.saveWeights()` makes, that take the places of the network's own; it has all
   * of them and no others. Default: the network's own.
   */
  readonly weights?: FileSource | undefined;
}

const CALL = "load";

/** The model of a file or graph, its weights on the way to the engine. */
export async function loadModel(engine: Engine, source: ModelSource, options: LoadOptions): Promise<Model> {
  checkOptions(CALL, options, ["signal", "onProgress", "externalData", "weights"]);
  const { signal, onProgress, externalData } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw invalid(CALL, "signal", signal, "an AbortSignal");
  for (const [name, value] of Object.entries({ onProgress, externalData })) {
    if (value !== undefined && typeof value !== "function") throw invalid(CALL, name, value, "a function");
  }
  if (isGraph(source)) {
    validateGraph(source);
    return Model.create(engine, await weighted(source, options), services);
  }
  if (!isFileSource(source)) {
    const expected = "a path or URL, a Blob, bytes, a ReadableStream, or a network such as sequential(...) makes";
    throw invalid(CALL, "source", source, expected);
  }
  const graph = await readGraph(source, options);
  return Model.create(engine, await weighted(graph, options), services);
}

/** Who only runs models needs neither. */
const services: ModelServices = {
  async write(graph: Graph, { foldBatchNorm = false }: SaveOptions) {
    const { exportOnnx } = await import("./onnx/export/index.ts");
    return exportOnnx(foldBatchNorm ? withoutBatchNorm(graph) : graph);
  },
  async trainable(host) {
    const { Trainable } = await import("./train/index.ts");
    return new Trainable(host, platform.terminal);
  },
};

/** The graph with the weights that the options name, if they do. */
async function weighted(graph: Graph, { weights, signal }: LoadOptions): Promise<Graph> {
  if (weights === undefined) return graph;
  const [{ withWeights }, bytes] = await Promise.all([
    import("./train/index.ts"),
    readFile(CALL, "weights", weights, { signal, request: platform.request }),
  ]);
  return withWeights(CALL, graph, bytes);
}

function isGraph(source: unknown): source is Graph {
  return typeof source === "object" && source !== null && "nodes" in source && "constants" in source;
}

async function readGraph(source: FileSource, { signal, onProgress, externalData }: LoadOptions): Promise<Graph> {
  const request = platform.request;
  // The importer arrives while the file does.
  const [{ readOnnx }, bytes] = await Promise.all([
    import("./onnx/import.ts"),
    readFile(CALL, "source", source, { signal, onProgress, request }),
  ]);
  // Bytes that were gathered here may be rearranged; the caller's may not.
  const owned = !(source instanceof ArrayBuffer || source instanceof Uint8Array);
  const file = readOnnx(bytes, { owned });
  const files = new Map<string, Uint8Array>();
  for (const location of file.externalLocations) {
    const from = await (externalData?.(location) ?? beside(source, location));
    files.set(location, await readFile(CALL, `externalData ${JSON.stringify(location)}`, from, { signal, request }));
  }
  return file.toGraph(files);
}

/** The address of a file in the same folder as the model. */
function beside(source: FileSource, location: string): string | URL {
  const path = location.split("/").map(encodeURIComponent).join("/");
  if (source instanceof URL) return new URL(path, source);
  // A scheme has two letters at least: `C:` is a disk.
  if (typeof source === "string")
    return /^[a-z][a-z\d+.-]+:/i.test(source) ? new URL(path, source) : source.replace(/[^/\\]*$/, location);
  const text = `${CALL}: the model keeps weights in ${JSON.stringify(location)}, and source does not say where that is; externalData: (location) => ... gives such files`;
  throw new LensletError("invalid-argument", text, { argument: "externalData" });
}
