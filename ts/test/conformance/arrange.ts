/** Elements moved, not computed: tensor, reshape, flatten, transpose, concat, pad; and dense, whose operands are matrices. */
import type { Tensor } from "lenslet";
import { activateExpected } from "../oracle/activation.ts";
import { exactly, reshapeExpected, transposeExpected } from "../oracle/compare.ts";
import { matmul } from "../oracle/conv.ts";
import { counting, nd, toNchw, transpose } from "../oracle/nd.ts";
import { concat, type PadMode, pad } from "../oracle/shapes.ts";
import { checkImage } from "./both-layouts.ts";
import { type Case, check, compare, equal, randomFor, take, upload } from "./case.ts";

const tensors: readonly Case[] = [
  {
    name: "tensor: from arrays of any kind, with and without shape",
    async run(engine) {
      const made = [
        engine.tensor([1, 2, 3]),
        engine.tensor(Float32Array.of(1, 2, 3), [3]),
        engine.tensor(Uint8Array.of(1, 2, 3), [3]),
        engine.tensor(Float64Array.of(1, 2, 3), [3, 1]),
        engine.tensor(new Float32Array([0, 1, 2, 3, 4]).subarray(1, 4), [1, 3]),
      ];
      equal(
        made.map(({ shape }) => shape),
        [[3], [3], [3], [3, 1], [1, 3]],
        "shapes",
      );
      for (const tensor of made) {
        equal(
          [tensor.size, tensor.dtype, tensor.disposed, tensor.engine === engine],
          [3, "float32", false, true],
          "tensor",
        );
        const data = await tensor.data();
        check(data instanceof Float32Array, "data is a Float32Array");
        equal(data, [1, 2, 3], "data");
        tensor.dispose();
      }
      const scalar = engine.tensor([5], []);
      equal([scalar.shape, scalar.size], [[], 1], "scalar");
      equal(await take(scalar), [5], "scalar");
    },
  },
  {
    name: "tensor: the data is copied, and data() is a copy",
    async run(engine) {
      const source = Float32Array.of(1, 2, 3);
      const tensor = engine.tensor(source);
      source.fill(9);
      const first = await tensor.data();
      equal(first, [1, 2, 3], "data");
      first.fill(8);
      equal(await take(tensor), [1, 2, 3], "data again");
    },
  },
  {
    name: "tensor: transfer empties the caller's array, at once",
    async run(engine) {
      const source = Float32Array.of(1, 2, 3);
      const tensor = engine.tensor(source, [3], { transfer: true });
      equal(source.length, 0, "length of the source");
      equal(await take(tensor), [1, 2, 3], "data");
    },
  },
  {
    name: "tensor: NaN payloads aside, every float32 comes back as it went in",
    async run(engine) {
      const values = [
        0,
        -0,
        1e-45,
        -1e-45,
        1.17549435e-38,
        3.4028234663852886e38,
        Number.POSITIVE_INFINITY,
        Number.NaN,
      ];
      const back = await take(engine.tensor(values));
      check(
        values.every((value, index) => Object.is(Math.fround(value), back[index])),
        `${back.join(", ")} is not ${values.join(", ")}`,
      );
    },
  },
  {
    name: "reshape and flatten share the elements and outlive the original",
    async run(engine) {
      const x = upload(engine, counting(2, 3, 4));
      const { bytes } = engine.memory();
      const shaped = [
        engine.reshape(x, [4, 6]),
        engine.reshape(x, [-1, 2]),
        engine.flatten(x),
        engine.flatten(x, { axis: 0 }),
      ];
      shaped.push(engine.flatten(x, { axis: -1 }));
      equal(
        shaped.map(({ shape }) => shape),
        [[4, 6], [12, 2], [2, 12], [24], [2, 3, 4]],
        "shapes",
      );
      equal(engine.memory().bytes, bytes, "bytes");
      x.dispose();
      equal(engine.memory().bytes, bytes, "bytes without the original");
      for (const tensor of shaped)
        await compare(tensor, reshapeExpected(exactly(counting(24)), tensor.shape), "reshaped");
      equal(engine.memory().bytes, 0, "bytes after the last");
    },
  },
];

const perms: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[5], [0]],
  [
    [3, 4],
    [1, 0],
  ],
  [
    [3, 4],
    [0, 1],
  ],
  [
    [33, 17],
    [1, 0],
  ],
  [
    [2, 5, 6, 3],
    [0, 3, 1, 2],
  ],
  [
    [2, 3, 5, 6],
    [0, 2, 3, 1],
  ],
  [
    [3, 3, 4, 8],
    [3, 2, 0, 1],
  ],
  [
    [2, 3, 4],
    [2, 0, 1],
  ],
  [
    [1, 4, 1, 5],
    [3, 1, 2, 0],
  ],
  [
    [2, 1, 3, 2, 2, 1, 2, 3],
    [7, 0, 5, 2, 3, 4, 1, 6],
  ],
];

const transposed: readonly Case[] = perms.map(([shape, perm]) => ({
  name: `transpose [${shape.join(", ")}] by [${perm.join(", ")}]`,
  async run(engine) {
    const x = counting(...shape);
    await compare(
      engine.scope(() => engine.transpose(upload(engine, x), perm)),
      exactly(transpose(x, perm)),
      "y",
    );
  },
}));

const joined: readonly Case[] = (
  [
    [[[2, 3]], 0],
    [
      [
        [2, 3],
        [4, 3],
      ],
      0,
    ],
    [
      [
        [2, 3],
        [2, 1],
        [2, 5],
      ],
      1,
    ],
    [
      [
        [2, 3],
        [2, 2],
      ],
      -1,
    ],
    [
      [
        [1, 4, 4, 3],
        [1, 4, 4, 8],
        [1, 4, 4, 1],
      ],
      3,
    ],
    [
      [
        [1, 2, 4, 4],
        [1, 5, 4, 4],
      ],
      1,
    ],
    [[[7], [1], [9]], 0],
  ] as const
).map(([shapes, axis]) => ({
  name: `concat of ${JSON.stringify(shapes)} along ${axis}`,
  async run(engine) {
    const random = randomFor("concat");
    const parts = shapes.map((shape) => random.nd(shape));
    const along = axis < 0 ? axis + shapes[0].length : axis;
    const y = engine.scope(() =>
      engine.concat(
        parts.map((part) => upload(engine, part)),
        { axis },
      ),
    );
    await compare(y, concat(parts, along), "y");
    await compare(engine.concat(parts, { axis }), concat(parts, along), "of arrays");
  },
}));

const others: readonly Case[] = [
  {
    name: "transpose without perm reverses the axes",
    async run(engine) {
      const x = counting(2, 3, 4);
      await compare(
        engine.scope(() => engine.transpose(upload(engine, x))),
        exactly(transpose(x, [2, 1, 0])),
        "y",
      );
    },
  },
  {
    name: "concat of a tensor with itself, and of twenty",
    async run(engine) {
      const x = upload(engine, counting(1, 3));
      equal(await take(engine.concat([x, x], { axis: 1 })), [1, 2, 3, 1, 2, 3], "twice");
      const twenty = engine.concat(
        Array.from({ length: 20 }, () => x),
        { axis: 0 },
      );
      equal(twenty.shape, [20, 3], "shape");
      equal((await take(twenty)).slice(-4), [3, 1, 2, 3], "twenty");
      x.dispose();
    },
  },
  {
    name: "dense: bias, activation, transposed weights, leading axes",
    async run(engine) {
      const random = randomFor("dense");
      for (const [m, k, n] of [
        [1, 1, 1],
        [1, 33, 10],
        [5, 17, 9],
        [8, 8, 8],
        [3, 1, 4],
        [4, 70, 1],
      ] as const) {
        const [x, weights, bias] = [random.nd([m, k]), random.nd([k, n]), [...random.nd([n]).data]];
        const product = matmul(x, weights, bias);
        const ways = engine.scope((): Tensor[] => [
          engine.dense(upload(engine, x), upload(engine, weights), { bias }),
          engine.dense(upload(engine, x), transpose(weights, [1, 0]), { bias, transposed: true }),
        ]);
        for (const [index, y] of ways.entries()) await compare(y, product, `${m}x${k}x${n}, way ${index}`);
        const relu = engine.scope(() => engine.dense(upload(engine, x), weights, { bias, activation: "relu" }));
        await compare(relu, activateExpected("relu", product), "relu");
        const deep = engine.scope(() => engine.dense(engine.tensor(x.data, [1, m, 1, k]), weights, { bias }));
        await compare(deep, reshapeExpected(product, [1, m, 1, n]), "leading axes");
      }
    },
  },
];

type Pads = readonly (readonly [number, number])[];
const borders: readonly (readonly [readonly number[], Pads])[] = [
  [[5], [[2, 3]]],
  [
    [3, 4],
    [
      [0, 1],
      [2, 0],
    ],
  ],
  [
    [1, 4, 5, 3],
    [
      [0, 0],
      [1, 2],
      [3, 1],
      [0, 0],
    ],
  ],
  [
    [2, 3, 3, 2],
    [
      [1, 1],
      [2, 2],
      [0, 2],
      [1, 0],
    ],
  ],
  [[4], [[0, 0]]],
];
const modes: readonly PadMode[] = ["constant", "reflect", "edge"];

const padded: readonly Case[] = modes.flatMap((mode) => [
  ...borders.map(([shape, padding]) => ({
    name: `pad ${mode}: [${shape.join(", ")}] by ${JSON.stringify(padding)}`,
    async run(engine: Parameters<Case["run"]>[0]) {
      const x = randomFor(mode).nd(shape);
      const options = { padding, mode, ...(mode === "constant" ? { value: -2.5 } : {}) };
      await compare(
        engine.scope(() => engine.pad(upload(engine, x), options)),
        pad(x, padding, mode, -2.5),
        mode,
      );
    },
  })),
  {
    name: `pad ${mode}: images in words`,
    async run(engine) {
      const x = randomFor(mode).nd([1, 4, 5, 3]);
      const sides = { top: 1, left: 2, bottom: 3, right: 0 };
      const words = [
        [1, [1, 1], [1, 1]],
        [
          [2, 1],
          [2, 2],
          [1, 1],
        ],
        [sides, [1, 3], [2, 0]],
      ] as const;
      for (const [padding, h, w] of words) {
        const expected = pad(x, [[0, 0], h, w, [0, 0]], mode);
        await checkImage(engine, x, expected, JSON.stringify(padding), (layout, image) =>
          engine.pad(image, { padding, mode, layout }),
        );
      }
    },
  },
]);

const layouts: readonly Case[] = [
  {
    name: "NHWC to NCHW and back",
    async run(engine) {
      const x = counting(2, 3, 4, 5);
      const [nchw, back] = engine.scope(() => {
        const there = engine.transpose(upload(engine, x), [0, 3, 1, 2]);
        return [there, engine.transpose(there, [0, 2, 3, 1])] as const;
      });
      await compare(nchw, transposeExpected(exactly(x), toNchw), "NCHW");
      await compare(back, exactly(x), "NHWC");
      equal(await take(engine.scope(() => engine.relu(upload(engine, nd([1], [-1]))))), [0], "still at work");
    },
  },
];

export const cases: readonly Case[] = [...tensors, ...transposed, ...joined, ...others, ...padded, ...layouts];
