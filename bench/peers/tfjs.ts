/** TensorFlow.js on its WebAssembly backend. */
import type { Tensor, Tensor4D } from "@tensorflow/tfjs-core";
import { type ConvWork, isConv, isFilter, type Work } from "../work.ts";
import { type Environment, floats, type Peer, type Prepared, type Runtime } from "./peer.ts";

export const tfjs: Peer = {
  name: "tfjs-wasm",
  kind: "wasm",
  hosts: ["node", "browser"],
  packageName: "@tensorflow/tfjs-backend-wasm",
  files: [
    "@tensorflow/tfjs-core/dist/tf-core.fesm.min.js",
    "@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.fesm.min.js",
    "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm",
  ],
  wasm: "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm",
  async open({ asset }: Environment): Promise<Runtime> {
    const tf = await import("@tensorflow/tfjs-core");
    const backend = await import("@tensorflow/tfjs-backend-wasm");
    backend.setWasmPaths(asset("@tensorflow/tfjs-backend-wasm/dist/"));
    // In an isolated page it would take threads; the plain SIMD binary is the one-thread one.
    tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
    if (!(await tf.setBackend("wasm"))) throw new Error("its wasm backend did not start");
    await tf.ready();
    const weights = ({ layer, filter }: ConvWork): Tensor4D => {
      const { kH, kW, inC, outC, groups } = layer;
      return tf.tensor4d(filter, groups === 1 ? [kH, kW, inC, outC] : [kH, kW, inC, outC / groups]);
    };
    return {
      about: (await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT")) === true ? "simd, 1 thread" : "no simd, 1 thread",
      close: () => {},
      async prepare(work: Work): Promise<Prepared | undefined> {
        if (isFilter(work)) return undefined;
        const { n, h, w, inC } = work.layer;
        const x = tf.tensor4d(work.input, [n, h, w, inC]);
        const constants = isConv(work) ? { w: weights(work), b: tf.tensor1d(work.bias) } : undefined;
        const call = (): Tensor => {
          if (constants !== undefined && work.layer.kind === "conv") {
            const { stride, pad, groups } = work.layer;
            const options = { x, filter: constants.w, strides: stride, pad, bias: constants.b };
            return groups === 1 ? tf.fused.conv2d(options) : tf.fused.depthwiseConv2d(options);
          }
          if (work.layer.kind === "conv" || work.layer.pool === "global-avg") return tf.mean(x, [1, 2]);
          const { size, stride, pad, pool } = work.layer;
          return pool === "max" ? tf.maxPool(x, size, stride, pad) : tf.avgPool(x, size, stride, pad);
        };
        return {
          layout: "NHWC",
          compute() {
            const y = call();
            const data = floats(y.dataSync());
            y.dispose();
            return data;
          },
          keep: () => call().dispose(),
          dispose() {
            tf.dispose([x, ...Object.values(constants ?? {})]);
          },
        };
      },
    };
  },
};
