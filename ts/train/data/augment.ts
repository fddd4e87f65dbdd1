/**
 * Augmentation: pictures that a network has not quite seen before, made of those that there are. What becomes of a sample
 * depends on the seed, the epoch and the sample's number only, and is computed with operations that IEEE 754 rounds the
 * same everywhere, so that all runtimes train on the same bits.
 */
import { uniformFloat32 } from "pure-rand/distribution/uniformFloat32";
import { LensletError } from "../../errors.ts";
import { checkOptions, invalid, numeric, type Pair, pair } from "../../options.ts";
import { formatShape } from "../../shape.ts";
import { type Dataset, isDataset, type Samples } from "./dataset.ts";
import { randomOf } from "./order.ts";
import { type Placement, warp } from "./warp.ts";

/** Options of {@link augment}. What is left out does not happen. */
export interface AugmentOptions {
  /** Mirrors every other picture: left and right, top and bottom, or either by itself with `"both"`. */
  readonly flip?: "horizontal" | "vertical" | "both" | undefined;
  /** Moves each picture by up to so many whole pixels, down or up and right or left: one number, or `[h, w]`. */
  readonly shift?: Pair | undefined;
  /** Turns each picture about its middle by up to so many degrees either way, to 180. */
  readonly rotate?: number | undefined;
  /** Cuts a part out at a random place, and enlarges it to the whole: at least so much of each side, above 0, up to 1. */
  readonly crop?: number | undefined;
  /** Adds a number of up to so much either way to all of a picture: 0.1 for a little, where inputs go from 0 to 1. */
  readonly brightness?: number | undefined;
  /** What lies beyond a picture: a number, or `"edge"` for the pixel of its border. Default 0. */
  readonly fill?: number | "edge" | undefined;
  /** Draws all of this; a whole number. Default 0. */
  readonly seed?: number | undefined;
}

const CALL = "data.augment";
const KEYS = ["flip", "shift", "rotate", "crop", "brightness", "fill", "seed"];

/**
 * A dataset of pictures `[h, w, c]` that come changed, and in each epoch changed differently: for training, not for
 * validation. Pictures that are only moved or mirrored keep their pixels as they are; others are sampled linearly. Targets stay
 * as they are: those of every pixel go with `brightness` alone.
 *
 * @example
 * const more = data.augment(clothes, { flip: "horizontal", shift: 2, rotate: 10 });
 */
export function augment(dataset: Dataset, options: AugmentOptions): Dataset {
  if (!isDataset(dataset))
    throw invalid(CALL, "dataset", dataset, "a dataset of one input, as data.arrays and data.idx make them");
  const settings = parse(options);
  const { inputShape } = dataset;
  const [h = 0, w = 0, c = 0] = inputShape;
  if (inputShape.length !== 3) throw invalid(CALL, "dataset.inputShape", inputShape, "pictures, [h, w, c]");
  if (settings.shift[0] >= h || settings.shift[1] >= w)
    throw invalid(CALL, "shift", options.shift, `fewer pixels than the pictures of ${formatShape(inputShape)} have`);
  checkTargets(dataset, settings);
  const length = h * w * c;
  const changed = ({ inputs, targets }: Samples, indices: Int32Array, epoch: number): Samples => {
    const result = new Float32Array(inputs.length);
    for (const [place, index] of indices.entries()) {
      const from = inputs.subarray(place * length, (place + 1) * length);
      const to = result.subarray(place * length, (place + 1) * length);
      const { brightness, ...where } = draw(settings, epoch, index);
      warp(from, to, { h, w, c }, where, settings.fill);
      if (brightness !== 0) for (let i = 0; i < length; i++) to[i] = (to[i] ?? 0) + brightness;
    }
    return { inputs: result, targets };
  };
  return {
    size: dataset.size,
    inputShape,
    targetShape: dataset.targetShape,
    classes: dataset.classes,
    batch(indices, epoch): Samples | Promise<Samples> {
      const samples = dataset.batch(indices, epoch);
      return samples instanceof Promise
        ? samples.then((read) => changed(read, indices, epoch))
        : changed(samples, indices, epoch);
    },
  };
}

interface Settings {
  readonly flipped: readonly [vertical: boolean, horizontal: boolean];
  readonly shift: readonly [h: number, w: number];
  readonly radians: number;
  readonly crop: number;
  readonly brightness: number;
  readonly fill: number | "edge";
  readonly seed: number;
}

function parse(options: AugmentOptions): Settings {
  checkOptions(CALL, options, KEYS);
  const { flip, shift = 0, rotate = 0, crop = 1, brightness = 0, fill = 0, seed = 0 } = options;
  if (flip !== undefined && flip !== "horizontal" && flip !== "vertical" && flip !== "both")
    throw invalid(CALL, "flip", flip, '"horizontal", "vertical" or "both"');
  const within = (name: string, value: unknown, low: number, high: number, expected: string): number => {
    const number = numeric(CALL, name, value, expected, true);
    if (number < low || number > high) throw invalid(CALL, name, value, expected);
    return number;
  };
  if (!Number.isSafeInteger(seed)) throw invalid(CALL, "seed", seed, "a whole number");
  const part = numeric(CALL, "crop", crop, PART);
  if (!(part > 0 && part <= 1)) throw invalid(CALL, "crop", crop, PART);
  const degrees = within("rotate", rotate, 0, 180, "degrees from 0 to 180");
  return {
    flipped: [flip === "vertical" || flip === "both", flip === "horizontal" || flip === "both"],
    shift: pair(CALL, "shift", shift, 0),
    radians: (degrees * Math.PI) / 180,
    crop: part,
    brightness: within("brightness", brightness, 0, Infinity, "a number of 0 or more"),
    fill: fill === "edge" ? fill : numeric(CALL, "fill", fill, 'a number or "edge"', true),
    seed,
  };
}

/** Throws if pictures would be moved and what is right for each of their pixels would not. */
function checkTargets({ inputShape: [h, w], targetShape }: Dataset, settings: Settings): void {
  const { flipped, shift, radians, crop } = settings;
  const moves = flipped.includes(true) || shift.some((most) => most > 0) || radians > 0 || crop < 1;
  if (!moves || targetShape[0] !== h || targetShape[1] !== w) return;
  const text = `${CALL}: the dataset's targets have shape ${formatShape(targetShape)}, one for each pixel, and would stay where they are while pictures move; expected brightness alone, or a dataset of your own that moves both`;
  throw new LensletError("invalid-argument", text, { argument: "dataset" });
}

const PART = "a number above 0, up to 1";

/** What becomes of one sample in one epoch. Each setting has draws of its own: to change one leaves the others' as they are. */
function draw(settings: Settings, epoch: number, index: number): Placement & { readonly brightness: number } {
  const random = randomOf(settings.seed, epoch, index);
  const unit = (): number => uniformFloat32(random);
  const around = (most: number): number => (2 * unit() - 1) * most;
  const whole = (most: number): number => Math.floor(unit() * (2 * most + 1)) - most;
  const half = (allowed: boolean): boolean => unit() < 0.5 && allowed;
  const flipped = [half(settings.flipped[0]), half(settings.flipped[1])] as const;
  const shift = [whole(settings.shift[0]), whole(settings.shift[1])] as const;
  const radians = around(settings.radians);
  const part = 1 - unit() * (1 - settings.crop);
  // How far the part may lie from the middle, in halves of what is left of each side.
  const centre = [around(1 - part) / 2, around(1 - part) / 2] as const;
  return { flipped, shift, radians, part, centre, brightness: around(settings.brightness) };
}
