/** Tensors that were disposed of, and those of another engine. */
import { filters, image, type Tensor } from "lenslet";
import { type Mistake, rows } from "./mistake.ts";

function disposed(tensor: Tensor): Tensor {
  tensor.dispose();
  return tensor;
}

export const owners: readonly Mistake[] = [
  ...rows("tensor-disposed", [
    ["x was disposed of", "x", [/disposed/, /last use|scope/], (engine, { gone }) => engine.relu(gone)],
    ["a convolution of a disposed x", "x", [/disposed/], (engine, { gone, filter }) => engine.conv2d(gone, filter)],
    [
      "a disposed filter",
      "filter",
      [/disposed/],
      (engine, { x }) => engine.conv2d(x, disposed(engine.tensor([1, 1, 1, 1], [1, 1, 4, 1]))),
    ],
    ["a disposed operand", "b", [/disposed/], (engine, { x, gone }) => engine.add(x, gone)],
    ["reshape of a disposed tensor", "x", [/disposed/], (engine, { gone }) => engine.reshape(gone, [120])],
    [
      "concat with a disposed tensor",
      "tensors[1]",
      [/disposed/],
      (engine, { x, gone }) => engine.concat([x, gone], { axis: 0 }),
    ],
    ["edges of a disposed tensor", "x", [/disposed/], (_, { gone }) => filters.edges(gone)],
    ["grey of a disposed tensor", "tensor", [/disposed/], (_, { gone }) => image.toGrey(gone)],
  ]),
  ...rows("foreign-tensor", [
    ["x of another engine", "x", [/another engine/, /copy it/], (engine, { foreign }) => engine.relu(foreign)],
    [
      "a filter of another engine",
      "filter",
      [/another engine/, /copy it/],
      (engine, { x, foreign }) =>
        foreign.engine.scope(() => engine.conv2d(x, foreign.engine.tensor([1, 1, 1, 1], [1, 1, 4, 1]))),
    ],
    ["an operand of another engine", "a", [/another engine/], (engine, { x, foreign }) => engine.mul(foreign, x)],
    [
      "reshape of another engine's tensor",
      "x",
      [/another engine/],
      (engine, { foreign }) => engine.reshape(foreign, [120]),
    ],
  ]),
];
