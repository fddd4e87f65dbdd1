/** Cases that PyTorch computed in float64 (the files tell how), run on an engine in both layouts and compared with its numbers. */
import type { Engine } from "lenslet";
import { checkConv2d, checkConvTranspose2d, checkImage, checkPool2d } from "../conformance/both-layouts.ts";
import { type Case, check } from "../conformance/case.ts";
import { type Expected, unit } from "../oracle/compare.ts";
import { conv2d, convTranspose2d } from "../oracle/conv.ts";
import { type Nd, nd, sizeOf, toHwio, toNhwc, transpose } from "../oracle/nd.ts";
import { adaptivePool2d, pool2d } from "../oracle/pool.ts";

/** One of the groups of cases, as its JSON file has it. */
export interface Group {
  readonly group: string;
  readonly cases: readonly ReferenceCase[];
}

interface ReferenceCase {
  readonly name: string;
  readonly params: Readonly<Record<string, number | boolean | string>>;
  readonly tensors: Readonly<Record<string, { readonly shape: readonly number[]; readonly offset: number }>>;
}

/** A group and the numbers that its cases point into. */
export interface Reference {
  readonly group: Group;
  readonly numbers: Float32Array;
}

/** The names of the groups that are run. */
export const groups: readonly string[] = ["conv2d", "conv-transpose2d", "pool2d"];

/** What one case expects, by the oracle: PyTorch's number, within what the oracle allows and one more rounding. */
function reported(oracle: Expected, output: Nd): Expected {
  check(
    oracle.shape.join() === output.shape.join(),
    `the oracle's shape is ${oracle.shape}, PyTorch's ${output.shape}`,
  );
  const values = Float64Array.from(output.data);
  values.forEach((value, index) => {
    const exact = oracle.values[index] ?? Number.NaN;
    const off = Math.abs(value - exact);
    check(off <= Math.abs(exact) * 2 * unit + 1e-12, `the oracle's ${exact} is not PyTorch's ${value}`);
  });
  const tolerance = oracle.tolerance.map((allowed, index) => allowed + unit * Math.abs(values[index] ?? 0));
  return { shape: output.shape, values, tolerance };
}

/** The cases of a group. */
export function casesOf({ group, numbers }: Reference): readonly Case[] {
  check(group.cases.length > 0, `no cases in ${group.group}`);
  return group.cases.map((one) => ({
    name: `${group.group} ${one.name}`,
    run: (engine) => runCase(engine, group.group, one, numbers),
  }));
}

async function runCase(engine: Engine, group: string, one: ReferenceCase, numbers: Float32Array): Promise<void> {
  const { name, params, tensors } = one;
  const find = (key: string): Nd | undefined => {
    const place = tensors[key];
    if (place === undefined) return undefined;
    return nd(place.shape, numbers.subarray(place.offset, place.offset + sizeOf(place.shape)));
  };
  const tensor = (key: string, perm: readonly number[]): Nd => {
    const found = find(key);
    check(found !== undefined, `${name} has no ${key}`);
    return transpose(found, perm);
  };
  const number = (key: string): number => {
    const value = params[key];
    check(typeof value === "number", `${name}: ${key} is ${String(value)}`);
    return value;
  };
  const pair = (key: string): readonly [number, number] => [number(`${key}H`), number(`${key}W`)];
  const [x, output] = [tensor("input", toNhwc), tensor("output", toNhwc)];

  if (group === "pool2d") {
    const kind = params["op"];
    if (kind === "adaptiveAvg") {
      const size = pair("out");
      const expected = reported(adaptivePool2d("avg", x, size), output);
      await checkImage(engine, x, expected, name, (layout, image) => engine.adaptiveAvgPool2d(image, { size, layout }));
      return;
    }
    check(kind === "max" || kind === "avg", `${name}: op is ${String(kind)}`);
    const options = {
      size: pair("k"),
      stride: pair("stride"),
      dilation: kind === "max" ? pair("dilation") : 1,
      padding: sides(number),
      ceilMode: params["ceilMode"] === true,
      ...(kind === "avg" ? { countIncludePad: params["countIncludePad"] === true } : {}),
    };
    await checkPool2d(engine, kind, x, options, name, reported(pool2d(kind, x, options), output));
    return;
  }

  const filter = tensor("weight", toHwio);
  const bias = find("bias");
  const shared = {
    stride: pair("stride"),
    dilation: pair("dilation"),
    groups: number("groups"),
    ...(bias === undefined ? {} : { bias: [...bias.data] }),
  };
  if (group === "conv2d") {
    const options = { ...shared, padding: sides(number) };
    await checkConv2d(
      engine,
      x,
      filter,
      options,
      name,
      reported(conv2d(x, filter, options, engine.info.accuracy), output),
    );
    return;
  }
  check(group === "conv-transpose2d", `an unknown group ${group}`);
  const options = { ...shared, padding: pair("pad"), outputPadding: pair("outputPadding") };
  await checkConvTranspose2d(engine, x, filter, options, name, reported(convTranspose2d(x, filter, options), output));
}

function sides(number: (key: string) => number): { top: number; left: number; bottom: number; right: number } {
  return { top: number("padTop"), left: number("padLeft"), bottom: number("padBottom"), right: number("padRight") };
}
