/** Tables of what inference says: one case a line. */
import { expect, it } from "vitest";
import type { Attributes, OpType } from "../../attributes.ts";
import type { NumberType } from "../../constant.ts";
import { infer, type Operand } from "./nodes.ts";

/** A node's operands and attributes, and the types and shapes that its outputs should have. */
export interface Case {
  readonly op: OpType;
  readonly operands: readonly Operand[];
  readonly attributes: Attributes[OpType];
  readonly shapes: readonly (readonly number[])[];
  readonly types: readonly NumberType[];
}

/** A node whose outputs should be float32s of these shapes. */
export function yields<T extends OpType>(
  op: T,
  operands: readonly Operand[],
  attributes: Attributes[T],
  ...shapes: readonly (readonly number[])[]
): Case {
  return { op, operands, attributes, shapes, types: shapes.map(() => "float32") };
}

/** The same with other types. */
export function typed(made: Case, ...types: readonly NumberType[]): Case {
  return { ...made, types };
}

/** Tests of all cases, and that each of `ops` has one. */
export function expectCases(ops: readonly string[], cases: readonly Case[]): void {
  it.each(cases.map((made, index) => [`${made.op} ${JSON.stringify(made.shapes)} (${index})`, made] as const))(
    "%s",
    (_, { op, operands, attributes, shapes, types }) => {
      const infos = infer(op, operands, attributes, shapes.length);
      expect(infos).toEqual(shapes.map((shape, index) => expect.objectContaining({ shape, type: types[index] })));
    },
  );

  it("has cases of all of its operators", () => {
    expect(ops.filter((op) => !cases.some((made) => made.op === op))).toEqual([]);
  });
}
