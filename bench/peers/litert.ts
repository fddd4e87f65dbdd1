/** LiteRT.js: TensorFlow Lite with XNNPACK, for pages only. */
import { samePadBefore } from "../cases.ts";
import { isFilter, type Work } from "../work.ts";
import { type Environment, floats, type Peer, type Prepared, type Runtime } from "./peer.ts";

export const litert: Peer = {
  name: "litert",
  kind: "wasm",
  hosts: ["browser"],
  packageName: "@litertjs/core",
  files: [
    "@litertjs/core/dist/index.js",
    "@litertjs/core/wasm/litert_wasm_internal.js",
    "@litertjs/core/wasm/litert_wasm_internal.wasm",
  ],
  wasm: "@litertjs/core/wasm/litert_wasm_internal.wasm",
  async open({ asset }: Environment): Promise<Runtime> {
    const [lrt, { tfliteModel }] = await Promise.all([import("@litertjs/core"), import("../models/tflite.ts")]);
    await lrt.loadLiteRt(asset("@litertjs/core/wasm/"), { threads: false });
    return {
      about: "XNNPACK, 1 thread",
      close: () => lrt.unloadLiteRt(),
      async prepare(work: Work): Promise<Prepared | undefined> {
        if (isFilter(work)) return undefined;
        const { n, h, w, inC, stride, pad } = work.layer;
        const model = await lrt.loadAndCompile(tfliteModel(work), {
          accelerator: "wasm",
          cpuOptions: { numThreads: 1 },
        });
        const x = new lrt.Tensor(work.input, [n, h, w, inC]);
        const call = async (): Promise<InstanceType<typeof lrt.Tensor>> => {
          const [y] = await model.run(x);
          if (y === undefined) throw new Error("the model gave no output");
          return y;
        };
        const kernel = work.layer.kind === "conv" ? work.layer.kH : work.layer.size;
        return {
          layout: "NHWC",
          padBefore: pad === 0 ? 0 : samePadBefore(h, kernel, stride),
          async compute() {
            const y = await call();
            const data = floats(y.toTypedArray());
            y.delete();
            return data;
          },
          keep: async () => (await call()).delete(),
          dispose() {
            x.delete();
            model.delete();
          },
        };
      },
    };
  },
};
