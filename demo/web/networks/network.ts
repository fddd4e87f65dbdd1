/// <reference types="vite/client" />
import { type Engine, type Model, type Preprocess, preprocess, type Ranked, topK } from "lenslet";
import efficientnet from "../../models/efficientnet-lite0.onnx?url";
import { type Face, findFaces } from "../../models/faces.ts";

/** What a network says of a picture. */
export type Answer =
  | { readonly kind: "classes"; readonly ranked: readonly Ranked[] }
  | { readonly kind: "faces"; readonly faces: readonly Face[] };

export type NetworkId = "classify" | "faces";

/** A trained network that the page knows how to ask. */
export interface Network {
  readonly id: NetworkId;
  /** In the choice of networks. */
  readonly choice: string;
  /** Above its answers. */
  readonly title: string;
  readonly name: string;
  /** What it learnt from, in a few words. */
  readonly origin: string;
  /** Where its file is; undefined if it could not be had when the page was made. */
  readonly address: string | undefined;
  /** Of its file: servers that compress do not tell. */
  readonly bytes: number;
  /** The side of the square that it looks at, in pixels. */
  readonly size: number;
  readonly input: Preprocess;
  answer(engine: Engine, model: Model, pixels: ImageData): Promise<Answer>;
  /** Names of what the channels of its last layer stand for. */
  labels(): Promise<readonly string[]>;
}

/** The Vite configuration fetches the file; offline it may be missing. */
const fetched: Readonly<Record<string, string>> = import.meta.glob<string>(
  "../../../target/models/blazeface-front.onnx",
  { query: "?url", import: "default", eager: true },
);

const classifyInput = preprocess({
  size: 224,
  crop: 224 / 256,
  resample: "cubic",
  mean: 127,
  std: 128,
  layout: "NCHW",
});

/** The networks, by what they are good for. */
export const networks: Readonly<Record<NetworkId, Network>> = {
  classify: {
    id: "classify",
    choice: "What is it?",
    title: "What it shows",
    name: "EfficientNet-Lite0",
    origin: "trained on ImageNet’s photographs of 1,000 classes",
    address: efficientnet,
    bytes: 4_827_333,
    size: 224,
    input: classifyInput,
    labels,
    async answer(engine, model, pixels) {
      const picture = classifyInput.tensor(engine, pixels);
      const { logits } = await model.run(picture);
      picture.dispose();
      if (logits === undefined) throw new Error("the network has no output called logits");
      const scores = await logits.data();
      logits.dispose();
      return { kind: "classes", ranked: topK(scores, { k: 5, labels: await labels(), softmax: true }) };
    },
  },
  faces: {
    id: "faces",
    choice: "Where are faces?",
    title: "Faces",
    name: "BlazeFace",
    origin: "trained to find faces near a phone: a box, and dots for eyes, nose, mouth and ears",
    address: Object.values(fetched)[0],
    bytes: 442_005,
    size: 128,
    input: preprocess({ size: 128, fit: "pad", mean: 127.5, std: 127.5 }),
    labels: async () => [],
    async answer(engine, model, pixels) {
      return { kind: "faces", faces: await findFaces(engine, model, pixels) };
    },
  },
};

let read: Promise<readonly string[]> | undefined;

/** Names of ImageNet's classes: they arrive when they are needed. */
function labels(): Promise<readonly string[]> {
  read ??= import("../../models/imagenet-labels.txt?raw").then(({ default: text }) => text.trimEnd().split("\n"));
  return read;
}
