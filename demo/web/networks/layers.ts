import type { Summary } from "lenslet";

/** A layer whose values can be looked at as maps. */
export interface Layer {
  /** As the network has it. */
  readonly name: string;
  /** Without what all names of the network have in common. */
  readonly label: string;
  readonly op: string;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** Rows and columns of the network's input that one value depends on. */
  readonly sees: readonly [h: number, w: number];
  /** Whether the next layer sets to zero what is below. */
  readonly isCut: boolean;
}

/** They only put the numbers of the layer before into another order or shape. */
const REARRANGING: readonly string[] = [
  "Transpose",
  "Reshape",
  "Flatten",
  "Squeeze",
  "Unsqueeze",
  "Identity",
  "Dropout",
];

/** Activations that let nothing below zero pass, as far as the networks here have them. */
const CUTTING: readonly string[] = ["Relu", "Clip"];

/** The layers that give maps, [1, count, height, width] or [1, count], in the network's order. */
export function layersOf({ layers }: Pick<Summary, "layers">): Layer[] {
  const maps = layers.filter(({ op, outputShape }) => [2, 4].includes(outputShape.length) && !REARRANGING.includes(op));
  const labels = withoutCommon(maps.map(({ name }) => name));
  return maps.map(({ name, op, outputShape, receptiveField }, i) => {
    const [, count = 0, height = 1, width = 1] = outputShape;
    const isCut = !CUTTING.includes(op) && CUTTING.includes(maps[i + 1]?.op ?? "");
    return { name, label: labels[i] ?? name, op, count, height, width, sees: receptiveField, isCut };
  });
}

/** Leaves out the folders that most of the names begin with. */
export function withoutCommon(names: readonly string[]): string[] {
  let rest = names.map((name) => name.split("/").filter((part) => part !== ""));
  for (;;) {
    const tally = new Map<string, number>();
    for (const [first, ...others] of rest) {
      if (first !== undefined && others.length > 0) tally.set(first, (tally.get(first) ?? 0) + 1);
    }
    const common = [...tally].find(([, times]) => times > names.length / 2)?.[0];
    if (common === undefined) return rest.map((parts) => parts.join("/"));
    rest = rest.map((parts) => (parts[0] === common && parts.length > 1 ? parts.slice(1) : parts));
  }
}

/** The size of a layer's maps, in words. */
export function sizeOf({ count, height, width }: Layer): string {
  return height === 1 && width === 1 ? `${count}` : `${count} × ${height} × ${width}`;
}

/** How much of the picture one value sees, in words. */
export function sightOf({ sees: [h, w] }: Layer, size: number): string {
  if (h >= 2 * size && w >= 2 * size) return `each value sees the whole picture`;
  return h === 1 && w === 1 ? "each value sees one pixel" : `each value sees ${h} × ${w} pixels of ${size} × ${size}`;
}

/** What to look for in a layer's maps. */
export function storyOf(layer: Layer, size: number): string {
  const cut = "Blue, below zero, means “not here”: the next layer sets it to zero.";
  return layer.isCut ? `${depthOf(layer, size)} ${cut}` : depthOf(layer, size);
}

function depthOf({ op, height, width, sees: [h, w] }: Layer, size: number): string {
  const reach = Math.max(h, w) / size;
  if (h === 1 && w === 1) return "The picture itself, in the three colours that the network gets: red, green, blue.";
  if (height === 1 && width === 1) {
    return op === "Gemm" || op === "MatMul"
      ? "The answer: one number for each class. The largest win; their names are beside the picture."
      : "No places any more, only how much of each feature the picture has. The answer is made of weighted sums of these.";
  }
  if (reach < 0.06) {
    return "Edges: each map answers to one direction, to a colour, to light or dark. The picture is still easy to recognise, as under a filter; only that these were learnt.";
  }
  if (reach < 0.2) {
    return "Textures: neighbouring edges put together into stripes, corners, fur. Maps that are even all over look for what this picture has not.";
  }
  if (reach < 1) {
    return "Parts: places are fewer and coarser, and each knows more. Lay a bright map over the picture: what does it mark?";
  }
  return "Things: each value depends on most of the picture, and few maps find what they look for. What one stands for hardly has a name; together they make the answer.";
}
