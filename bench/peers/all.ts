/** Everybody who takes part, in the order of the table. */
import { lensletNchw, lensletNhwc } from "./lenslet.ts";
import { litert } from "./litert.ts";
import { onnxruntimeNode, onnxruntimeWeb } from "./onnxruntime.ts";
import { opencv } from "./opencv.ts";
import type { Peer } from "./peer.ts";
import { tfjs } from "./tfjs.ts";

export const peers: readonly Peer[] = [lensletNhwc, lensletNchw, onnxruntimeWeb, tfjs, litert, opencv, onnxruntimeNode];
