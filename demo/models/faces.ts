/** Faces in pictures, by BlazeFace (Bazarevsky et al. 2019, https://arxiv.org/abs/1907.05047). */
import { type Engine, type image, type Model, nonMaxSuppression, preprocess, type Region } from "lenslet";

/** A face, in pixels of the picture. */
export interface Face {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** How sure the network is, 0 to 1. */
  readonly score: number;
  /** Right eye, left eye, nose, mouth, right ear, left ear. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** Numbers of a box: centre, size, and six points. */
const NUMBERS = 16;
/** Grids of cells that the network looks at, and how many boxes it guesses in each cell. */
const GRIDS = [
  { cells: 16, guesses: 2 },
  { cells: 8, guesses: 6 },
] as const;
const LEAST_SCORE = 0.6;

/** Finds faces by a model of `blazeface-front` or `blazeface-back`. */
export async function findFaces(engine: Engine, model: Model, pixels: image.PixelSource): Promise<Face[]> {
  const [input] = model.inputs;
  const size = input?.shape?.[1];
  if (input === undefined || typeof size !== "number") throw new Error("not a model of BlazeFace");
  const prepare = preprocess({ size, fit: "pad", mean: 127.5, std: 127.5 });
  const picture = prepare.tensor(engine, pixels);
  const outputs = await model.run(picture);
  picture.dispose();
  // Scores of both grids, then boxes of both.
  const values = await Promise.all(model.outputs.map(({ name }) => outputs[name]?.data()));
  for (const tensor of Object.values(outputs)) tensor.dispose();

  const found: Face[] = [];
  const region = prepare.region(pixels);
  GRIDS.forEach(({ cells, guesses }, grid) => {
    const [scores, boxes] = [values[grid], values[GRIDS.length + grid]];
    scores?.forEach((logit, index) => {
      const score = 1 / (1 + Math.exp(-logit));
      if (score < LEAST_SCORE || boxes === undefined) return;
      const cell = Math.floor(index / guesses);
      const centre = [((cell % cells) + 0.5) / cells, (Math.floor(cell / cells) + 0.5) / cells] as const;
      const numbers = boxes.subarray(index * NUMBERS, (index + 1) * NUMBERS);
      found.push(faceOf(score, numbers, centre, size, region));
    });
  });
  const kept = nonMaxSuppression(
    found.map(({ left, top, width, height }) => [left, top, left + width, top + height] as const),
    found.map(({ score }) => score),
    { iou: 0.3 },
  );
  return kept.flatMap((index) => found[index] ?? []);
}

/** Numbers are in pixels of the network's input, positions from the cell's centre. */
function faceOf(
  score: number,
  numbers: Float32Array,
  [centreX, centreY]: readonly [number, number],
  size: number,
  region: Region,
): Face {
  const x = (at: number): number => region.left + (centreX + (numbers[at] ?? 0) / size) * region.width;
  const y = (at: number): number => region.top + (centreY + (numbers[at] ?? 0) / size) * region.height;
  const width = ((numbers[2] ?? 0) / size) * region.width;
  const height = ((numbers[3] ?? 0) / size) * region.height;
  const points = [4, 6, 8, 10, 12, 14].map((at) => [x(at), y(at + 1)] as const);
  return { left: x(0) - width / 2, top: y(1) - height / 2, width, height, score, points };
}
