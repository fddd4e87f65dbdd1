/** Runs an operator in both layouts and holds each result against the oracle, which knows only NHWC. */
import type { Engine, Tensor } from "lenslet";
import { type Expected, transposeExpected } from "../oracle/compare.ts";
import { type Conv2dOptions, type ConvTransposeOptions, conv2d, convTranspose2d } from "../oracle/conv.ts";
import { type Nd, toNchw, toOihw, transpose } from "../oracle/nd.ts";
import { type PoolKind, type PoolOptions, pool2d } from "../oracle/pool.ts";
import { compare, upload } from "./case.ts";

const layouts = ["NHWC", "NCHW"] as const;
type Layout = (typeof layouts)[number];

/** Runs `operator` on NHWC arrays and on the same ones transposed; `filter` goes from `[kH, kW, a, b]` to `[b, a, kH, kW]`. */
async function eachLayout(
  engine: Engine,
  arrays: { readonly x: Nd; readonly filter?: Nd },
  expected: Expected,
  what: string,
  operator: (layout: Layout, x: Tensor, filter: Tensor) => Tensor,
): Promise<void> {
  const filter = arrays.filter ?? { shape: [1, 1, 1, 1], data: Float32Array.of(0) };
  await Promise.all(
    layouts.map(async (layout) => {
      const nhwc = layout === "NHWC";
      const x = upload(engine, nhwc ? arrays.x : transpose(arrays.x, toNchw));
      const weights = upload(engine, nhwc ? filter : transpose(filter, toOihw));
      const y = operator(layout, x, weights);
      x.dispose();
      weights.dispose();
      await compare(y, nhwc ? expected : transposeExpected(expected, toNchw), `${what}, ${layout}`);
    }),
  );
}

/** A convolution in both layouts; a residual is given in NHWC. */
export async function checkConv2d(
  engine: Engine,
  x: Nd,
  filter: Nd,
  { residual, ...options }: Conv2dOptions,
  what: string,
  expected: Expected = conv2d(
    x,
    filter,
    residual === undefined ? options : { ...options, residual },
    engine.info.accuracy,
  ),
): Promise<void> {
  const shortcut = residual && { NHWC: residual, NCHW: transpose(residual, toNchw) };
  await eachLayout(engine, { x, filter }, expected, what, (layout, input, weights) =>
    engine.conv2d(input, weights, { ...options, layout, residual: shortcut?.[layout] }),
  );
}

/** A transposed convolution in both layouts. */
export async function checkConvTranspose2d(
  engine: Engine,
  x: Nd,
  filter: Nd,
  options: ConvTransposeOptions,
  what: string,
  expected: Expected = convTranspose2d(x, filter, options),
): Promise<void> {
  await eachLayout(engine, { x, filter }, expected, what, (layout, input, weights) =>
    engine.convTranspose2d(input, weights, { ...options, layout }),
  );
}

/** A pool in both layouts. */
export async function checkPool2d(
  engine: Engine,
  kind: PoolKind,
  x: Nd,
  options: PoolOptions,
  what: string,
  expected: Expected = pool2d(kind, x, options),
): Promise<void> {
  await eachLayout(engine, { x }, expected, what, (layout, input) =>
    runPool2d(engine, kind, input, { ...options, layout }),
  );
}

/** The pool of a kind. */
export function runPool2d(
  engine: Engine,
  kind: PoolKind,
  x: Tensor,
  options: PoolOptions & { layout?: Layout },
): Tensor {
  if (kind === "max") {
    const { countIncludePad: _, ...rest } = options;
    return engine.maxPool2d(x, rest);
  }
  return kind === "avg" ? engine.avgPool2d(x, options) : engine.l2Pool2d(x, options);
}

/** An operator of an image that has no options but its layout. */
export async function checkImage(
  engine: Engine,
  x: Nd,
  expected: Expected,
  what: string,
  operator: (layout: Layout, x: Tensor) => Tensor,
): Promise<void> {
  await eachLayout(engine, { x }, expected, what, operator);
}
