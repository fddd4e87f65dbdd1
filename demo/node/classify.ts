/**
 * Tells what a photograph shows: `npm run classify -- photo.jpg`. EfficientNet-Lite0, a network of 4.6 million weights that
 * comes with the project as an ONNX file, loaded and run as any other would be.
 */
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { createEngine, type Engine, type Model, preprocess, topK } from "lenslet";
import { modelFile } from "../models/fetch.ts";
import { type Arguments, CLASSIFY_HELP, readClassifyArguments } from "./arguments.ts";
import { readPhoto, runCommand } from "./command.ts";
import { bar, paint, Progress } from "./report.ts";

/** What EfficientNet-Lite was trained on: the central 224 of 256 pixels, and bytes as numbers around 0. */
const input = preprocess({ size: 224, crop: 224 / 256, resample: "cubic", mean: 127, std: 128, layout: "NCHW" });

async function main({ photo, worker, build }: Arguments): Promise<void> {
  const pixels = await readPhoto(photo);
  const engine = await createEngine({ worker, build });
  try {
    const start = performance.now();
    const model = await load(engine, modelFile("efficientnet-lite0"));
    const loaded = performance.now();
    const picture = input.tensor(engine, pixels);
    const { logits } = await model.run(picture);
    if (logits === undefined) throw new Error("the network has no output called logits");
    const scores = await logits.data();
    const done = performance.now();

    console.log(`\n${paint("bold", basename(photo))}  ${pixels.width} × ${pixels.height}\n`);
    for (const { label, score } of topK(scores, { k: 5, labels: await labels(), softmax: true })) {
      console.log(`  ${(100 * score).toFixed(1).padStart(5)}%  ${paint("cyan", bar(score, 24))}  ${label}`);
    }
    const where = engine.info.host === "thread" ? "this thread" : "a worker";
    const times = `network loaded in ${(loaded - start).toFixed(0)} ms, picture classified in ${(done - loaded).toFixed(0)} ms`;
    console.log(`\n${paint("dim", `${times}; ${engine.info.build} build, in ${where}`)}\n`);
  } finally {
    engine.dispose();
  }
}

/** The network, streamed from its file so that there is progress to show. */
async function load(engine: Engine, file: string): Promise<Model> {
  const { size } = await stat(file);
  const progress = new Progress(`loading ${basename(file)}`);
  const stream = Readable.toWeb(createReadStream(file, { highWaterMark: 1 << 18 })) as ReadableStream<Uint8Array>;
  const model = await engine.load(stream, { onProgress: ({ loaded }) => progress.show(loaded / size) });
  progress.end();
  return model;
}

/** Names of ImageNet's classes, one a line; the first of several synonyms is enough. */
async function labels(): Promise<readonly string[]> {
  const text = await readFile(new URL("../models/imagenet-labels.txt", import.meta.url), "utf8");
  return text.trimEnd().split("\n");
}

await runCommand(CLASSIFY_HELP, readClassifyArguments, main);
