/** LiteRT.js: TensorFlow Lite with XNNPACK, for pages only. */
import { evenPadding, outputSize, samePadding } from "../cases.ts";
import { isConv, isFilter, type Work } from "../work.ts";
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
        const { n, h, w, inC } = work.layer;
        // Groups other than one a channel are left to the operators that a converter makes of them.
        if (isConv(work) && work.layer.groups !== 1 && work.layer.groups !== inC) return undefined;
        const even = evenPadding(work.layer);
        const padded = even.top + even.left > 0;
        // Where "same" padding would give another size, it is not the same layer.
        if (padded && outputSize(work.layer)[0] !== Math.ceil(h / work.layer.stride)) return undefined;
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
        return {
          layout: "NHWC",
          begin: padded ? samePadding(work.layer) : even,
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
