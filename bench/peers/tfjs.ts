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
        // Groups other than one a channel are not there.
        if (isConv(work) && work.layer.groups !== 1 && work.layer.groups !== inC) return undefined;
        const x = tf.tensor4d(work.input, [n, h, w, inC]);
        const constants = isConv(work) ? { w: weights(work), b: tf.tensor1d(work.bias) } : undefined;
        const call = (): Tensor => {
          if (work.layer.kind === "conv") {
            if (constants === undefined) throw new Error("a convolution without weights");
            const { stride, dilation, groups, padH, padW } = work.layer;
            const pad: number | "same" = padH === padW ? padH : "same";
            const options = { x, filter: constants.w, strides: stride, dilations: dilation, pad, bias: constants.b };
            return groups === 1 ? tf.fused.conv2d(options) : tf.fused.depthwiseConv2d(options);
          }
          const { size, stride, pad, pool } = work.layer;
          if (pool === "global-avg") return tf.mean(x, [1, 2]);
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
