/** Runtimes that take ONNX files as they are. */
import type { InferenceSession, TensorConstructor } from "onnxruntime-common";
import { type BuildChoice, floats } from "../peers/peer.ts";
import type { Floats } from "../work.ts";
import type { Network } from "./networks.ts";

/** A network in a runtime, ready to run. */
export interface LoadedNetwork {
  /** One run: from an input in JavaScript to the outputs in JavaScript, by name. */
  run(): Promise<Readonly<Record<string, Floats>>>;
  dispose(): Promise<void> | void;
}

export interface NetworkRuntime {
  readonly name: string;
  readonly kind: "lenslet" | "wasm" | "native";
  /** Loads the runtime itself. */
  open(
    build: BuildChoice,
  ): Promise<(file: Uint8Array<ArrayBuffer>, network: Network, input: Floats) => Promise<LoadedNetwork>>;
}

const lenslet: NetworkRuntime = {
  name: "lenslet",
  kind: "lenslet",
  async open(build) {
    const { createEngine } = await import("lenslet");
    const engine = await createEngine({ build });
    return async (file, { shape }, data) => {
      const model = await engine.load(file);
      const [input] = model.inputs;
      if (input === undefined) throw new Error("the network has no input");
      return {
        async run() {
          const outputs = Object.entries(await model.run({ [input.name]: { data, shape } }));
          const values = await Promise.all(outputs.map(async ([name, tensor]) => [name, floats(await tensor.data())]));
          for (const [, tensor] of outputs) tensor.dispose();
          return Object.fromEntries(values);
        },
        dispose: () => model.dispose(),
      };
    };
  },
};

interface OnnxRuntime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: TensorConstructor;
}

function onnxruntime(
  name: string,
  kind: "wasm" | "native",
  load: () => Promise<OnnxRuntime>,
  options: InferenceSession.SessionOptions,
): NetworkRuntime {
  return {
    name,
    kind,
    async open() {
      const ort = await load();
      return async (file, { shape }, data) => {
        const session = await ort.InferenceSession.create(file, {
          graphOptimizationLevel: "all",
          // Its remarks on the files are not ours to show.
          logSeverityLevel: 3,
          ...options,
        });
        const [input = ""] = session.inputNames;
        return {
          async run() {
            const outputs = await session.run({ [input]: new ort.Tensor("float32", data, shape) });
            return Object.fromEntries(Object.entries(outputs).map(([key, tensor]) => [key, floats(tensor.data)]));
          },
          dispose: () => session.release(),
        };
      };
    },
  };
}

export const runtimes: readonly NetworkRuntime[] = [
  lenslet,
  onnxruntime(
    "ort-web",
    "wasm",
    async () => {
      const ort = await import("onnxruntime-web/wasm");
      ort.env.wasm.numThreads = 1;
      return ort;
    },
    { executionProviders: ["wasm"] },
  ),
  onnxruntime("ort-native", "native", () => import("onnxruntime-node"), { intraOpNumThreads: 1, interOpNumThreads: 1 }),
];
