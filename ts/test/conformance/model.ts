/** Models: the same numbers as their operators one by one, wherever the engine runs. */
import {
  add,
  batchNorm,
  conv2d,
  dense,
  type Engine,
  flatten,
  graph,
  maxPool2d,
  type Model,
  relu,
  sequential,
  type Tensor,
} from "lenslet";
import { within } from "../oracle/compare.ts";
import { type Case, check, compare, equal, randomFor, rejects, take } from "./case.ts";

const random = randomFor("model");
const filter = random.nd([3, 3, 3, 8]);
const second = random.nd([3, 3, 8, 8]);
const vector = (low: number, high: number): Float32Array => random.nd([8], low, high).data;
const statistics = { mean: vector(-1, 1), variance: vector(0.5, 2), scale: vector(0.5, 2), offset: vector(-1, 1) };
const matrix = random.nd([128, 5]);

/** A network with batch normalisation and a residual. */
function network(): ReturnType<typeof graph> {
  return graph({ input: [8, 8, 3] }, ({ input }) => {
    const a = conv2d({ filters: 8, size: 3, padding: 1, bias: false, weights: { filter }, name: "first" })(input);
    const b = relu()(batchNorm({ weights: statistics })(a));
    const c = conv2d({ filters: 8, size: 3, padding: 1, bias: false, weights: { filter: second } })(b);
    const flat = flatten()(maxPool2d({ size: 2 })(relu()(add(c, b))));
    return { logits: dense({ units: 5, bias: false, weights: { weights: matrix }, name: "top" })(flat) };
  });
}

/** The same by operators. */
function byOperators(engine: Engine, x: Tensor): { readonly first: Tensor; readonly logits: Tensor } {
  return engine.scope(() => {
    const a = engine.conv2d(x, filter, { padding: 1 });
    const b = engine.relu(engine.batchNorm(a, statistics));
    const d = engine.conv2d(b, second, { padding: 1, residual: b, activation: "relu" });
    const flat = engine.flatten(engine.maxPool2d(d, { size: 2 }));
    // Inside, networks have their channels first.
    return { first: engine.transpose(a, [0, 3, 1, 2]), logits: engine.dense(flat, matrix) };
  });
}

async function only(model: Model, x: Tensor): Promise<Tensor> {
  const [output, ...rest]: readonly Tensor[] = Object.values(await model.run(x));
  check(output !== undefined && rest.length === 0, "a model of one output gives one");
  return output;
}

export const cases: readonly Case[] = [
  {
    name: "a model computes what its operators compute, and shows what is inside",
    async run(engine) {
      const x = engine.tensor(randomFor("input").nd([1, 8, 8, 3]).data, [1, 8, 8, 3]);
      const expected = byOperators(engine, x);
      const model = await engine.load(network());
      const wanted = { shape: expected.logits.shape, data: await expected.logits.data() };
      // Where weights are merged, sums are rounded elsewhere: a few units of the largest terms.
      for (let i = 0; i < 3; i++) await compare(await only(model, x), within(wanted, 64, 256), `run ${i}`);
      const { first } = await model.activations(["first"], x);
      check(first !== undefined, "the layer's output is there");
      await compare(first, within({ shape: expected.first.shape, data: await expected.first.data() }, 8, 64), "first");
      for (const tensor of [x, expected.first, expected.logits]) tensor.dispose();
      model.dispose();
    },
  },
  {
    name: "runs that are asked for at once wait for one another",
    async run(engine) {
      const model = await engine.load(sequential([relu()], { input: [4] }));
      const inputs = Array.from({ length: 8 }, (_, i) => engine.tensor([i, -i, 2 * i, 1], [1, 4]));
      const outputs = await Promise.all(inputs.map((x) => only(model, x)));
      for (const [i, output] of outputs.entries()) equal(await take(output), [i, 0, 2 * i, 1], `run ${i}`);
      for (const x of inputs) x.dispose();
      model.dispose();
    },
  },
  {
    name: "a run that is aborted leaves nothing behind, and the model runs again",
    async run(engine) {
      const model = await engine.load(network());
      const x = engine.tensor(new Float32Array(192).fill(0.5), [1, 8, 8, 3]);
      const first = await take(await only(model, x));
      const { tensors } = engine.memory();
      await rejects(model.run(x, { signal: AbortSignal.abort() }), "aborted");
      equal(engine.memory().tensors, tensors, "tensors");
      equal(await take(await only(model, x)), first, "the next run");
      x.dispose();
      model.dispose();
    },
  },
  {
    name: "a model tells what it costs, and frees what it held",
    async run(engine) {
      const before = engine.memory().tensors;
      const model = await engine.load(network());
      const { parameters, macs } = model.summary();
      equal(parameters, 27 * 8 + 32 + 72 * 8 + 128 * 5, "parameters");
      equal(macs, 64 * (27 + 72) * 8 + 128 * 5, "multiply-adds");
      check(model.memory().peak > model.memory().weights, "the peak exceeds the weights");
      const profile = await model.profile(undefined, { rounds: 1 });
      // A page's clock ticks every tenth of a millisecond: layers this small may take no time by it.
      check(profile.total >= 0, `a run of ${profile.total} ms`);
      check(
        profile.nodes.some(({ name }) => name === "top"),
        "the profile names its layers",
      );
      model.dispose();
      equal(engine.memory().tensors, before, "tensors");
      await rejects(model.run({ data: new Float32Array(192), shape: [1, 8, 8, 3] }), "tensor-disposed");
    },
  },
];
