/** ONNX's test cases with constants for inputs: what is computed of them before a network runs. */
import { describe, test } from "vitest";
import { specialise } from "../../model/specialise/specialise.ts";
import { validateGraph } from "../../model/validate.ts";
import { importOnnx } from "../../onnx/import.ts";
import { inapplicable } from "./applicable.ts";
import { casesIn } from "./case.ts";
import { assertAgrees, toleranceOf } from "./compare.ts";
import { findData } from "./data.ts";
import { bound, expectation } from "./data-set.ts";

const folder = findData();

describe("ONNX's test cases, computed before anything runs", () => {
  test("there are cases", ({ skip }) => {
    if (folder === undefined) skip("Debian's libonnx-testdata is not on this machine");
  });
  for (const { name, model, sets } of folder === undefined ? [] : casesIn(folder)) {
    if (inapplicable(model()) !== undefined) continue;
    test(name, ({ skip }) => {
      for (const set of sets()) {
        const graph = importOnnx(model());
        validateGraph(graph);
        const { inputs, outputs } = expectation(graph, set);
        const known = specialise(bound(graph, inputs), new Map());
        if (known.nodes.length > 0) return skip(`${known.nodes.map(({ op }) => op).join(", ")} only run in the core`);
        for (const [output, expected] of outputs) {
          const actual = known.constants.get(output);
          if (actual === undefined) throw new Error(`${output} is not known`);
          assertAgrees(output, actual, expected, toleranceOf(name));
        }
      }
    });
  }
});
