import { describe, expect, it } from "vitest";
import { Random } from "../../test/oracle/random.ts";
import { compute, expectSameOutputs, randomInputs } from "../testing/compute.ts";
import { testEngine } from "../testing/engine.ts";
import { printGraph } from "../testing/print.ts";
import { sketch } from "../testing/sketch.ts";
import { optimise } from "./optimise.ts";

const { executor } = testEngine();

describe("optimise", () => {
  it("leaves of a residual network its convolutions", () => {
    const graph = sketch(`x: [1, 3, 16, 16]
      p = Pad(x, i[0, 0, 1, 1, 0, 0, 1, 1])
      a = Conv(p, w1: [8, 3, 3, 3]) strides=[2, 2]
      b = BatchNormalization(a, var.s1: [8], t1: [8], m1: [8], var.v1: [8])
      c = Relu(b)
      d = Conv(c, w2: [8, 8, 3, 3]) pads=[1, 1, 1, 1]
      e = BatchNormalization(d, var.s2: [8], t2: [8], m2: [8], var.v2: [8])
      f = Add(e, c)
      g = Relu(f)
      h = Identity(g)
      i = Conv(h, w3: [16, 8, 1, 1], b3: [16])
      j = Add(i, 3)
      k = Clip(j, 0, 6)
      l = Mul(i, k)
      m = Div(l, 6)
      n = ReduceMean(m, i[2, 3])
      o = Flatten(n)
      q = MatMul(o, w4: [16, 4])
      r = Add(q, b4: [4])
      y = Sigmoid(r)
      -> y`);
    expect(printGraph(optimise(graph)).split("\n")).toEqual([
      "x: [1, 3, 16, 16]",
      "c = Conv(x, w1.scaled: [8, 3, 3, 3], a.bias.scaled: [8]) strides=[2, 2] pads=[1, 1, 1, 1] activation=relu",
      "g = Conv(c, w2.scaled: [8, 8, 3, 3], d.bias.scaled: [8], c) pads=[1, 1, 1, 1] activation=relu",
      "m = Conv(g, w3: [16, 8, 1, 1], b3: [16]) activation=hardSwish",
      "n = GlobalAveragePool(m)",
      "o = Flatten(n) axis=1",
      "y = MatMul(o, w4: [16, 4], q.bias.scaled: [4]) activation=sigmoid",
      "-> y",
    ]);
  });

  it("changes no output of random networks", async () => {
    let merged = 0;
    for (let seed = 0; seed < 150; seed++) {
      const text = randomNetwork(new Random(seed));
      const graph = sketch(text);
      const optimised = optimise(graph);
      merged += graph.nodes.length - optimised.nodes.length;
      const inputs = randomInputs(graph);
      try {
        // Where a sum cancels, what is left has the error of the terms.
        const [actual, expected] = [
          await compute(executor(), optimised, inputs),
          await compute(executor(), graph, inputs),
        ];
        expectSameOutputs(actual, expected, 1e-4);
      } catch (cause) {
        throw new Error(`seed ${seed}:\n${text}\nbecame\n${printGraph(optimised)}`, { cause });
      }
    }
    expect(merged).toBeGreaterThan(400);
  });
});

/** A network of values [1, c, h, w], each node on recent ones. */
function randomNetwork(random: Random): string {
  const lines = ["x: [1, 4, 9, 8]"];
  const values = [{ name: "x", shape: [1, 4, 9, 8] as readonly number[] }];
  const add = (call: string, shape: readonly number[]): string => {
    const name = `v${values.length}`;
    lines.push(`${name} = ${call}`);
    values.push({ name, shape });
    return name;
  };
  for (let i = 0; i < 14; i++) {
    const { name, shape } = random.pick(values.slice(random.chance(0.7) ? -1 : -3));
    const [, c = 1, h = 1, w = 1] = shape;
    const id = values.length;
    const pads = random.pick(["", " pads=[1, 1, 1, 1]", " pads=[0, 1, 1, 0]"]);
    const grow = pads === "" ? -2 : pads.includes("1, 1, 1, 1") ? 0 : -1;
    switch (random.int(0, 12)) {
      case 0:
      case 1:
        if (h + grow < 3 || w + grow < 3) break;
        add(`Conv(${name}, w${id}: [4, ${c}, 3, 3]${random.chance(0.5) ? `, b${id}: [4]` : ""})${pads}`, [
          1,
          4,
          h + grow,
          w + grow,
        ]);
        break;
      case 2:
        add(`Conv(${name}, w${id}: [${c}, 1, 1, 1]) group=${c}`, shape);
        break;
      case 3:
        add(
          `BatchNormalization(${name}, var.s${id}: [${c}], t${id}: [${c}], m${id}: [${c}], var.v${id}: [${c}])`,
          shape,
        );
        break;
      case 4:
        add(
          `${random.pick(["Add", "Mul", "Sub"])}(${name}, ${random.pick([`c${id}: [${c}, 1, 1]`, "0.5", "1", "0"])})`,
          shape,
        );
        break;
      case 5:
        add(random.pick([`Relu(${name})`, `Clip(${name}, -0.5, 0.5)`, `Sigmoid(${name})`, `Identity(${name})`]), shape);
        break;
      case 6: {
        const same = values.filter((other) => other.shape.join() === shape.join());
        add(`Add(${name}, ${random.pick(same).name})`, shape);
        break;
      }
      case 7:
        add(`Pad(${name}, i[0, 0, 1, 0, 0, 0, 1, 2])`, [1, c, h + 2, w + 2]);
        break;
      case 8: {
        const gate = add(`HardSigmoid(${name}) alpha=0.16666667`, shape);
        add(`Mul(${gate}, ${name})`, shape);
        break;
      }
      case 9: {
        const moved = add(`Transpose(${name}) perm=[0, 2, 3, 1]`, [1, h, w, c]);
        const mapped = random.chance(0.5) ? add(`Relu(${moved})`, [1, h, w, c]) : moved;
        add(`Transpose(${mapped}) perm=[0, 3, 1, 2]`, shape);
        break;
      }
      case 10:
        if (h < 3 || w < 3) break;
        add(`${random.pick(["MaxPool", "AveragePool"])}(${name}) kernelShape=[2, 2]`, [1, c, h - 1, w - 1]);
        break;
      case 11: {
        const gate = add(`GlobalAveragePool(${name})`, [1, c, 1, 1]);
        values.splice(-1, 1);
        lines.splice(-1, 1, `g${id} = GlobalAveragePool(${name})`);
        add(`Mul(${name}, ${gate.replace("v", "g")})`, shape);
        break;
      }
      default:
        add(`Concat(${name}, ${name})`, [1, 2 * c, h, w]);
    }
  }
  const last = values.at(-1)?.name ?? "x";
  const other = random.pick(values).name;
  return [...lines, `-> ${[...new Set([last, other])].join(", ")}`].join("\n");
}
