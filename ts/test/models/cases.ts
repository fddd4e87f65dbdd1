/** Trained networks on every engine: the numbers of native code, and what they are for. No test runner, no files here. */
import { type Engine, image, preprocess, topK } from "lenslet";
import { findFaces } from "../../../demo/models/faces.ts";
import { readText } from "../../../demo/models/text.ts";
import { check, equal } from "../conformance/case.ts";

/** What the native ONNX Runtime gave; make.py writes it. */
export interface Expectations {
  readonly runtime: string;
  readonly cases: readonly Expectation[];
}

/** One network's outputs. */
export interface Expectation {
  readonly model: string;
  readonly input: string;
  readonly shape: readonly number[];
  /** How many numbers of the input in a row are equal. */
  readonly run: number;
  readonly outputs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly maxAbs: number;
    readonly noise: number;
    /** Mean of the output, each number times (i * 7919 % 255) / 255. */
    readonly mean: number;
    readonly step: number;
    /** Every `step`th number. */
    readonly values: readonly number[];
  }[];
}

/** Where files are: Node reads them, a page fetches them. */
export interface Files {
  /** A network, by its name in demo/models/fetch.ts. */
  model(name: string): Promise<Uint8Array<ArrayBuffer>>;
  /** A file of demo/. */
  demo(path: string): Promise<Uint8Array<ArrayBuffer>>;
  /** The characters of PP-OCR. */
  keys(): Promise<Uint8Array<ArrayBuffer>>;
}

/** One network's case. */
export interface ModelCase {
  readonly name: string;
  run(engine: Engine, files: Files): Promise<void>;
}

/** A network computes what native code computes: as closely as that itself, or with Winograd to a thousandth. */
export function numberCase(expectation: Expectation): ModelCase {
  const { model: name, input, shape, run, outputs } = expectation;
  return {
    name: `${name} computes native code's numbers`,
    async run(engine, files) {
      const model = await engine.load(await files.model(name));
      const length = shape.reduce((product, size) => product * size, 1);
      const data = Float32Array.from({ length }, (_, i) => ((Math.floor(i / run) * 7919) % 255) / 127.5 - 1);
      const found = await model.run({ [input]: { data, shape } });
      equal(
        Object.keys(found),
        outputs.map((output) => output.name),
        "names of outputs",
      );
      for (const { name: key, shape: expected, maxAbs, noise, mean, step, values } of outputs) {
        const tensor = found[key];
        check(tensor !== undefined, `there is an output ${key}`);
        equal(tensor.shape, expected, `${key}: shape`);
        const all = await tensor.data();
        tensor.dispose();
        const strict = Math.max(8 * noise, 1e-5 * maxAbs);
        const tolerance = engine.info.accuracy === "strict" ? strict : Math.max(strict, 1e-3 * maxAbs);
        for (const [at, value] of values.entries()) near(`${key}[${at * step}]`, all[at * step], value, tolerance);
        const weighted = all.reduce((sum, value, i) => sum + (value * ((i * 7919) % 255)) / 255, 0) / all.length;
        near(`mean of ${key}`, weighted, mean, tolerance);
      }
      model.dispose();
    },
  };
}

function near(what: string, found: number | undefined, expected: number, tolerance: number): void {
  const far = Math.abs((found ?? Number.NaN) - expected);
  check(far <= tolerance, `${what} is ${found}, expected ${expected} within ${tolerance}`);
}

/** What the networks are for. */
export const purposes: readonly ModelCase[] = [
  {
    name: "EfficientNet-Lite0 knows a cat",
    async run(engine, files) {
      const model = await engine.load(await files.model("efficientnet-lite0"));
      const labels = new TextDecoder()
        .decode(await files.demo("models/imagenet-labels.txt"))
        .trimEnd()
        .split("\n");
      const size = { size: 224, crop: 224 / 256, resample: "cubic" } as const;
      const input = preprocess({ ...size, mean: 127, std: 128, layout: "NCHW" });
      const picture = input.tensor(engine, await image.decode(await files.demo("photo.png")));
      const { logits } = await model.run(picture);
      check(logits !== undefined, "there are logits");
      const best = topK(await logits.data(), { labels, softmax: true });
      // Native code, in float32 and of pixels that another library resized: 0.41, 0.34, 0.17.
      equal(
        best.slice(0, 3).map(({ label }) => label),
        ["tiger cat", "Egyptian cat", "tabby, tabby cat"],
        "labels",
      );
      near("the first probability", best[0]?.score, 0.41, 0.06);
      for (const each of [logits, picture, model]) each.dispose();
    },
  },
  ...(["blazeface-front", "blazeface-back"] as const).map((name) => ({
    name: `${name} finds the astronaut's face`,
    async run(engine: Engine, files: Files): Promise<void> {
      const model = await engine.load(await files.model(name));
      const pixels = await image.decode(await files.demo("models/face.jpg"));
      const faces = await findFaces(engine, model, pixels);
      model.dispose();
      equal(faces.length, 1, "faces");
      const [face] = faces;
      check(face !== undefined, "a face");
      check(face.score > 0.8, `a score of ${face.score}`);
      // By eye: brow to chin and cheek to cheek in the picture of 384 x 384; then the eyes and the nose.
      near("left", face.left, 131, 10);
      near("top", face.top, 60, 14);
      near("width", face.width, 76, 12);
      const expected = [
        [156, 80],
        [184, 80],
        [171, 99],
      ] as const;
      expected.forEach(([x, y], index) => {
        near(`point ${index}: x`, face.points[index]?.[0], x, 8);
        near(`point ${index}: y`, face.points[index]?.[1], y, 8);
      });
    },
  })),
  {
    name: "PP-OCR reads a picture of text",
    async run(engine, files) {
      const load = async (name: string) => engine.load(await files.model(name));
      const characters = new TextDecoder()
        .decode(await files.keys())
        .replace(/\n$/, "")
        .split("\n");
      const models = {
        find: await load("ppocr-det"),
        turn: await load("ppocr-cls"),
        read: await load("ppocr-rec"),
        characters,
      };
      const lines = await readText(engine, models, await image.decode(await files.demo("models/text-lines.png")));
      for (const model of [models.find, models.turn, models.read]) model.dispose();
      const text = lines.map((line) => line.text);
      check(text.includes("Hello, world!"), `the lines are ${JSON.stringify(text)}`);
      check(text.includes("0123456789"), `the lines are ${JSON.stringify(text)}`);
    },
  },
];
