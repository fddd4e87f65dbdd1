/** ONNX's own test cases, as a user of the package would run them. */
import { createEngine, type Engine, LensletError } from "lenslet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeModel } from "../../onnx/decode.ts";
import { inapplicable } from "./applicable.ts";
import { casesIn } from "./case.ts";
import { findData } from "./data.ts";
import { toleranceOf } from "./compare.ts";
import { runCase } from "./run-case.ts";

/** The operators that lenslet is to have: of these, no case in float32 may be passed over. */
const LISTED = new Set(
  `Conv ConvTranspose BatchNormalization Relu PRelu LeakyRelu Clip Sigmoid HardSigmoid HardSwish Tanh Mish Gelu Erf
  Softmax LogSoftmax MaxPool AveragePool LpPool GlobalMaxPool GlobalAveragePool GlobalLpPool Gemm MatMul Add Sub Mul Div Pow
  Sqrt Exp Log Abs Neg Min Max Where Equal Less LessOrEqual Greater GreaterOrEqual ReduceMean ReduceSum ReduceMax ReduceMin
  ArgMax TopK Concat Split Slice Pad Reshape Flatten Squeeze Unsqueeze Transpose Expand Tile Gather Resize Upsample
  DepthToSpace SpaceToDepth InstanceNormalization LRN LayerNormalization Dropout Identity Constant ConstantOfShape Shape
  Cast NonMaxSuppression`.split(/\s+/),
);

const folder = findData();
const cases = folder === undefined ? [] : casesIn(folder);
const reasons = new Map(cases.map(({ name, model }) => [name, inapplicable(model())]));

describe("ONNX's test cases", () => {
  let engine: Engine;
  const counts = { passed: 0, failed: 0, bound: 0 };

  beforeAll(async () => {
    engine = await newEngine();
  });
  afterAll(() => {
    engine.dispose();
    report(counts);
  });

  test("none is passed over that is of listed operators alone, in float32", ({ skip }) => {
    if (folder === undefined) skip("Debian's libonnx-testdata is not on this machine");
    const passedOver = cases.filter(({ name, model }) => {
      const reason = reasons.get(name);
      if (reason === undefined || /values$|training|without elements/.test(reason)) return false;
      return decodeModel(model()).graph?.node.every(({ opType }) => LISTED.has(opType));
    });
    expect(passedOver.map(({ name }) => `${name}: ${reasons.get(name)}`)).toEqual([]);
  });

  for (const { name, model, sets } of cases) {
    if (reasons.get(name) !== undefined) continue;
    test(name, async () => {
      counts.failed++;
      try {
        const settled = await runCase(engine, model(), sets(), toleranceOf(name));
        if (settled.size > 0) counts.bound++;
      } catch (error) {
        // What comes behind is not to blame.
        if (error instanceof LensletError && error.code === "core-trapped") engine = await newEngine();
        throw error;
      }
      counts.failed--;
      counts.passed++;
    });
  }
});

/** Sums as the cases do. */
function newEngine(): Promise<Engine> {
  return createEngine({ accuracy: "strict" });
}

/** Passed, failed and not applicable, the latter by reason. */
function report({
  passed,
  failed,
  bound,
}: {
  readonly passed: number;
  readonly failed: number;
  readonly bound: number;
}): void {
  const byReason = new Map<string, number>();
  for (const reason of reasons.values()) {
    if (reason !== undefined) byReason.set(reason, (byReason.get(reason) ?? 0) + 1);
  }
  const lines = [...byReason]
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `  ${String(count).padStart(4)} ${reason}`);
  const inapplicable = [...byReason.values()].reduce((sum, count) => sum + count, 0);
  const how = `${bound} with operands that only shapes depend on as constants`;
  console.log(
    `ONNX's test cases: ${passed} passed (${how}), ${failed} failed, ${inapplicable} not applicable:\n${lines.join("\n")}`,
  );
}
