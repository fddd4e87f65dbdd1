/** Shapes of a graph's outputs, which files must tell, as far as they are known for inputs of any size. */
import type { Dim, Graph, KnownInfo, ValueName } from "../../model/graph.ts";
import { specialise } from "../../model/specialise/specialise.ts";

/** Sizes to try for dimensions that are not known: networks of images want some to be large, or multiples of a power of 2. */
const SIZES = [1, 2, 32, 64, 224, 320];

/**
 * Tells the shapes of outputs: a size that is the same for two sizes of the inputs is taken to be fixed, one that
 * goes with a symbol of the inputs to be that symbol. Undefined where no size that was tried fits the graph.
 */
export function outputShapes(graph: Graph): (name: ValueName) => readonly Dim[] | undefined {
  const tried = SIZES.flatMap((size) => {
    const infos = infosFor(graph, size);
    return infos === undefined ? [] : [{ size, infos }];
  });
  const [first, second] = tried;
  const symbols = new Set(
    [...graph.inputs.values()].flatMap(({ shape }) => shape ?? []).filter((dim) => typeof dim === "string"),
  );
  const [symbol] = symbols;
  const fixed = [...graph.inputs.values()].every(({ shape }) => shape?.every((dim) => typeof dim === "number"));
  return (name) => {
    const info = first?.infos.get(name);
    if (first === undefined || info === undefined) return undefined;
    const other = second?.infos.get(name)?.shape;
    const shape = info.shape.map((size, axis) => {
      if (other === undefined) return undefined;
      if (other[axis] === size) return size;
      return symbols.size === 1 && size === first.size && other[axis] === second?.size ? symbol : undefined;
    });
    return fixed ? info.shape : shape;
  };
}

/** Every value's shape with `size` in the place of every size that is not known. */
function infosFor(graph: Graph, size: number): ReadonlyMap<ValueName, KnownInfo> | undefined {
  const shapes = new Map<ValueName, readonly number[]>();
  for (const [name, { shape }] of graph.inputs) {
    if (shape === undefined) return undefined;
    shapes.set(
      name,
      shape.map((dim) => (typeof dim === "number" ? dim : size)),
    );
  }
  try {
    return specialise(graph, shapes).infos;
  } catch {
    return undefined;
  }
}
