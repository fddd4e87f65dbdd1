/** Networks for tests of what must hold for any. */
import type { Random } from "../../test/oracle/random.ts";

/** A network of values [1, c, h, w], each node on recent ones, as {@link sketch} reads it; its input is x: [1, 4, 9, 8]. */
export function randomNetwork(random: Random): string {
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
