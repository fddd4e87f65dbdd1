/** Reading what networks answer. */
import { LensletError } from "./errors.ts";
import { checkOptions, count, flag, invalid, numeric } from "./options.ts";
import type { Numbers } from "./tensor.ts";

/** One of the best classes. */
export interface Ranked {
  /** Its place in the scores. */
  readonly index: number;
  /** Its name, where labels were given. */
  readonly label: string | undefined;
  /** Its score; its probability, if `softmax` was asked for. */
  readonly score: number;
}

/** Options of {@link topK}. */
export interface TopKOptions {
  /** How many. Default 5, or all if there are fewer. */
  readonly k?: number | undefined;
  /** Names of the classes, one a score. */
  readonly labels?: readonly string[] | undefined;
  /**
   * Turns the scores of networks that end without a softmax (logits) into probabilities. Default false: networks that end
   * with one give probabilities already, and a second softmax would flatten them.
   */
  readonly softmax?: boolean | undefined;
}

/**
 * The largest scores, best first; of equal ones, the first. NaN comes last.
 *
 * @example
 * const { logits } = await model.run(picture);
 * for (const { label, score } of topK(await logits.data(), { labels, softmax: true })) console.log(label, score);
 */
export function topK(scores: Numbers, options: TopKOptions = {}): Ranked[] {
  const call = "topK";
  checkOptions(call, options, ["k", "labels", "softmax"]);
  const { labels } = options;
  const k = Math.min(count(call, "k", options.k ?? 5), scores.length);
  if (labels !== undefined && labels.length !== scores.length) {
    const text = `${call}: labels has ${labels.length} names; expected ${scores.length}, one a score`;
    throw new LensletError("shape-mismatch", text, { argument: "labels" });
  }
  const values = flag(call, "softmax", options.softmax ?? false) ? softmax(scores) : Float64Array.from(scores);
  const rank = (index: number): number => {
    const value = values[index] ?? Number.NaN;
    return Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value;
  };
  const order = Array.from(values.keys()).sort((a, b) => rank(b) - rank(a) || a - b);
  return order.slice(0, k).map((index) => ({ index, label: labels?.[index], score: values[index] ?? Number.NaN }));
}

function softmax(scores: Numbers): Float64Array {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) largest = Math.max(largest, scores[i] ?? 0);
  const values = Float64Array.from(scores, (score) => Math.exp(score - largest));
  const sum = values.reduce((total, value) => total + value, 0);
  return values.map((value) => value / sum);
}

/** A rectangle, by two of its corners. */
export type Box = readonly [left: number, top: number, right: number, bottom: number];

/** Options of {@link nonMaxSuppression}. */
export interface SuppressionOptions {
  /** Boxes that share more than this part of their union with a better one are dropped. Default 0.5. */
  readonly iou?: number | undefined;
  /** Boxes of a lower score are dropped. Default none. */
  readonly score?: number | undefined;
  /** At most so many boxes. Default no limit. */
  readonly limit?: number | undefined;
}

/**
 * Which boxes of a detector to keep, as indices, best first: greedily the best one, without those that overlap it. For one
 * class; call it for each class of its own.
 */
export function nonMaxSuppression(boxes: readonly Box[], scores: Numbers, options: SuppressionOptions = {}): number[] {
  const call = "nonMaxSuppression";
  checkOptions(call, options, ["iou", "score", "limit"]);
  const iou = numeric(call, "iou", options.iou ?? 0.5);
  if (iou < 0 || iou > 1) throw invalid(call, "iou", iou, "a number from 0 to 1");
  const least = numeric(call, "score", options.score ?? Number.NEGATIVE_INFINITY);
  const limit = options.limit === undefined ? boxes.length : count(call, "limit", options.limit);
  if (scores.length !== boxes.length) {
    const text = `${call}: scores has ${scores.length} numbers; expected ${boxes.length}, one a box`;
    throw new LensletError("shape-mismatch", text, { argument: "scores" });
  }
  const rest = Array.from(boxes, (box, index) => ({ box, index, score: scores[index] ?? Number.NaN }))
    .filter(({ score }) => score >= least)
    .sort((a, b) => b.score - a.score || a.index - b.index);
  const kept: { readonly box: Box; readonly index: number }[] = [];
  for (const candidate of rest) {
    if (kept.length >= limit) break;
    if (kept.every(({ box }) => overlap(box, candidate.box) <= iou)) kept.push(candidate);
  }
  return kept.map(({ index }) => index);
}

/** What two boxes share, as a part of their union. */
export function overlap(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (area(a) + area(b) - shared);
}

function area([left, top, right, bottom]: Box): number {
  return (right - left) * (bottom - top);
}
