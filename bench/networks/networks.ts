/** The whole networks that are measured, as ONNX files: real ones, and two of the usual layout with seeded weights. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createEngine, type Graph, type Model } from "lenslet";
import { modelFile } from "../../demo/models/fetch.ts";
import { mobilenetV2, resnet18 } from "../../demo/models/seeded.ts";

export interface Network {
  readonly name: string;
  readonly shape: readonly number[];
  /** The file's path; it is fetched or made if it is not there. */
  readonly file: () => Promise<string>;
}

const MADE = fileURLToPath(new URL("../../target/models/", import.meta.url));

export const networks: readonly Network[] = [
  {
    name: "efficientnet-lite0",
    shape: [1, 3, 224, 224],
    file: () => made("efficientnet-lite0-float", floatEfficientNet),
  },
  { name: "blazeface-front", shape: [1, 128, 128, 3], file: async () => modelFile("blazeface-front") },
  { name: "blazeface-back", shape: [1, 256, 256, 3], file: async () => modelFile("blazeface-back") },
  { name: "mlsd-tiny", shape: [1, 320, 320, 4], file: async () => modelFile("mlsd-tiny") },
  { name: "ppocr-det", shape: [1, 3, 320, 320], file: async () => modelFile("ppocr-det") },
  { name: "ppocr-rec", shape: [1, 3, 48, 320], file: async () => modelFile("ppocr-rec") },
  { name: "ppocr-cls", shape: [1, 3, 48, 192], file: async () => modelFile("ppocr-cls") },
  { name: "resnet18", shape: [1, 224, 224, 3], file: () => made("resnet18-seeded", resnet18) },
  { name: "mobilenetv2", shape: [1, 224, 224, 3], file: () => made("mobilenetv2-seeded", mobilenetV2) },
];

/** A file that lenslet writes itself. */
async function made(name: string, graph: () => Graph | Promise<Graph>): Promise<string> {
  const path = join(MADE, `${name}.onnx`);
  if (existsSync(path)) return path;
  const bytes = await withModel(await graph(), (model) => model.save());
  mkdirSync(MADE, { recursive: true });
  writeFileSync(path, bytes);
  return path;
}

/** The weights of the file that comes with the project are int8, which other runtimes would unpack at every run. */
async function floatEfficientNet(): Promise<Graph> {
  return withModel(readFileSync(modelFile("efficientnet-lite0")), async ({ graph }) => {
    const constants = new Map(graph.constants);
    const nodes = graph.nodes.filter(({ op, inputs, outputs }) => {
      if (op !== "DequantizeLinear") return true;
      const [weights, scale] = inputs.map((input) => constants.get(input ?? ""));
      if (weights === undefined || scale === undefined || inputs.length > 2 || outputs[0] === undefined)
        throw new Error("only weights with a scale for each output channel are expected");
      const perChannel = weights.data.length / (weights.shape[0] ?? 1);
      const data = Float32Array.from(
        weights.data,
        (value, index) => value * (scale.data[Math.floor(index / perChannel)] ?? 0),
      );
      constants.set(outputs[0], { type: "float32", shape: weights.shape, data });
      return false;
    });
    const used = new Set(nodes.flatMap(({ inputs }) => inputs));
    for (const name of constants.keys()) if (!used.has(name)) constants.delete(name);
    return { ...graph, constants, nodes };
  });
}

async function withModel<T>(source: Graph | Uint8Array<ArrayBuffer>, use: (model: Model) => Promise<T>): Promise<T> {
  const engine = await createEngine();
  try {
    return await use(await engine.load(source));
  } finally {
    engine.dispose();
  }
}

/** An input for any network: numbers from 0 to 1. */
export function inputOf({ shape }: Network): Float32Array<ArrayBuffer> {
  const length = shape.reduce((product, size) => product * size, 1);
  return Float32Array.from({ length }, (_, index) => ((index * 7919) % 255) / 255);
}
