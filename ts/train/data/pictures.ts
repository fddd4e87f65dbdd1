/** Samples that are picture files. */
import { platform } from "#platform";
import { LensletError } from "../../errors.ts";
import { checkOptions, flag, invalid, oneOf, type Pair, pair, show } from "../../options.ts";
import type { ImageSource } from "../../platform/platform.ts";
import { type ScalingOptions, scaling } from "./arrays.ts";
import type { Dataset, Samples } from "./dataset.ts";
import { type PictureFormat, pictureBytes } from "./picture-bytes.ts";

/** How picture files become a network's input; `preprocess` with the same words, and `range: 1`, makes the same of one picture. */
export interface PictureOptions extends ScalingOptions {
  /** Rows and columns that the network takes. */
  readonly size: Pair;
  /**
   * What becomes of pictures of another shape: `"crop"`: the central part of the right shape; `"pad"`: the whole picture,
   * with black beside it; `"stretch"`: the whole picture, distorted. Default `"crop"`.
   */
  readonly fit?: "crop" | "pad" | "stretch" | undefined;
  /** `"grey"` is Rec. 601 luma. Default `"rgb"`. */
  readonly channels?: "rgb" | "grey" | undefined;
  /** Whether what was read is kept, in bytes: `h * w * c` a picture. Otherwise each epoch reads the files anew. Default true. */
  readonly cache?: boolean | undefined;
}

/** A picture file, and what it shows. */
export interface LabelledPicture {
  /** A path (Node) or address, a `Blob` or `File`, or an encoded file's bytes. */
  readonly source: ImageSource;
  /** The number of its class. */
  readonly label: number;
}

/** Options of {@link pictures}. */
export interface PicturesOptions extends PictureOptions {
  /** What the classes are called. */
  readonly classes: readonly string[];
}

const FORMAT = ["size", "fit", "channels", "cache", "mean", "std"] as const;
/** Pictures that are read at a time: decoders have few threads, and a photograph takes tens of megabytes. */
const AT_ONCE = 8;

/**
 * Picture files as samples, `[h, w, 3]` or `[h, w, 1]`, numbers from 0 to 1 before `mean` and `std`: the `File`s that a
 * page's visitor chose, say. They are decoded when they are first needed. In Node this needs the package `sharp`.
 *
 * Batches reject with `image-failed`, which names the file, or with `missing-package`.
 *
 * @example
 * const pets = data.pictures(files.map((source, i) => ({ source, label: labels[i] })), { size: 64, classes: ["cat", "dog"] });
 */
export function pictures(files: readonly LabelledPicture[], options: PicturesOptions): Dataset {
  return pictureDataset("data.pictures", files, options);
}

/** The same on behalf of another function, which its errors name. */
export function pictureDataset(call: string, files: readonly LabelledPicture[], options: PicturesOptions): Dataset {
  checkOptions(call, options, [...FORMAT, "classes"]);
  const { classes } = options;
  if (!Array.isArray(files) || files.length === 0)
    throw invalid(call, "files", files, "at least one { source, label }");
  if (!Array.isArray(classes) || classes.length === 0) throw invalid(call, "classes", classes, "the classes' names");
  for (const [i, { label }] of files.entries()) {
    if (Number.isInteger(label) && label >= 0 && label < classes.length) continue;
    throw invalid(call, `files[${i}].label`, label, `the number of a class, from 0 to ${classes.length - 1}`);
  }
  const format = formatOf(call, options);
  const inputShape = [...format.size, format.channels];
  const length = format.size[0] * format.size[1] * format.channels;
  const scale = scaling(call, options, new Uint8Array(), format.channels);
  const kept: Uint8Array<ArrayBuffer>[] | undefined = flag(call, "cache", options.cache ?? true) ? [] : undefined;
  const read = async (index: number): Promise<Uint8Array<ArrayBuffer>> => {
    const known = kept?.[index];
    if (known !== undefined) return known;
    const bytes = await decoded(call, files[index]?.source ?? "", format);
    if (kept !== undefined) kept[index] = bytes;
    return bytes;
  };
  return {
    size: files.length,
    inputShape,
    targetShape: [],
    classes,
    async batch(indices): Promise<Samples> {
      const inputs = new Float32Array(indices.length * length);
      const places = indices.entries();
      // Each takes the next place until none is left.
      const lane = async (): Promise<void> => {
        for (const [place, index] of places) scale(await read(index), inputs, place * length);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, lane));
      return { inputs, targets: Float32Array.from(indices, (index) => files[index]?.label ?? 0) };
    },
  };
}

function formatOf(call: string, options: PictureOptions): PictureFormat {
  const channels = oneOf(call, "channels", options.channels ?? "rgb", ["rgb", "grey"] as const);
  return {
    size: pair(call, "size", options.size),
    fit: oneOf(call, "fit", options.fit ?? "crop", ["crop", "pad", "stretch"] as const),
    channels: channels === "grey" ? 1 : 3,
  };
}

/** The bytes of a picture; an error tells which one it was. */
async function decoded(call: string, source: ImageSource, format: PictureFormat): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return pictureBytes(await platform.decodeImage(source), format);
  } catch (cause) {
    if (!(cause instanceof LensletError) || cause.code !== "image-failed") throw cause;
    const named = source instanceof URL ? source.href : source instanceof File ? source.name : source;
    const text = `${call}: the picture ${show(named)} could not be read; expected a PNG, JPEG, WebP or another picture`;
    throw new LensletError("image-failed", text, { argument: "source", cause });
  }
}
