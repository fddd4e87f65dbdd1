/** onnxruntime in its two forms, which share an API: WebAssembly, and native code in Node. */
import type { InferenceSession, Tensor, TensorConstructor } from "onnxruntime-common";
import { onnxModel } from "../models/onnx.ts";
import { isFilter, nhwcToNchw, type Work } from "../work.ts";
import { type Environment, floats, type Peer, type Prepared, type Runtime } from "./peer.ts";

interface Api {
  readonly InferenceSession: {
    create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: TensorConstructor;
}

function runtime(ort: Api, about: string, options: InferenceSession.SessionOptions): Runtime {
  return {
    about,
    close: () => {},
    async prepare(work: Work): Promise<Prepared | undefined> {
      if (isFilter(work)) return undefined;
      const { n, h, w, inC } = work.layer;
      const session = await ort.InferenceSession.create(onnxModel(work), { graphOptimizationLevel: "all", ...options });
      const x: Tensor = new ort.Tensor("float32", nhwcToNchw(work.input, n, h * w, inC), [n, inC, h, w]);
      return {
        layout: "NCHW",
        async compute() {
          const { y } = await session.run({ x });
          return floats(y?.data);
        },
        dispose: () => session.release(),
      };
    },
  };
}

export const onnxruntimeWeb: Peer = {
  name: "ort-web",
  kind: "wasm",
  hosts: ["node", "browser"],
  packageName: "onnxruntime-web",
  files: ["onnxruntime-web/dist/ort.wasm.bundle.min.mjs", "onnxruntime-web/dist/ort-wasm-simd-threaded.wasm"],
  wasm: "onnxruntime-web/dist/ort-wasm-simd-threaded.wasm",
  async open({ host, asset }: Environment): Promise<Runtime> {
    const ort = await import("onnxruntime-web/wasm");
    ort.env.wasm.numThreads = 1;
    if (host === "browser") ort.env.wasm.wasmPaths = asset("onnxruntime-web/dist/");
    return runtime(ort, "wasm, 1 thread", { executionProviders: ["wasm"] });
  },
};

export const onnxruntimeNode: Peer = {
  name: "ort-native",
  kind: "native",
  hosts: ["node"],
  packageName: "onnxruntime-node",
  files: ["onnxruntime-node/dist", "onnxruntime-node/bin"],
  wasm: undefined,
  async open(): Promise<Runtime> {
    const ort = await import("onnxruntime-node");
    return runtime(ort, "native, 1 thread", { intraOpNumThreads: 1, interOpNumThreads: 1 });
  },
};
