/** What becomes of a file that may be damaged: it is refused with an error of ours, or accepted whole. */
import { LensletError } from "../../errors.ts";
import type { Graph, ValueName } from "../../model/graph.ts";
import { specialise } from "../../model/specialise/specialise.ts";
import { validateGraph } from "../../model/validate.ts";
import { importOnnx } from "../../onnx/import.ts";

/** How far a file came. */
export type Verdict = "refused" | "imported" | "specialised";

/** Decides about a file. */
export type Judge = (bytes: Uint8Array) => Verdict | Promise<Verdict>;

/** Takes a file as far as it goes. Throws what no file may cause: an error that is not ours. */
export function judge(bytes: Uint8Array): Verdict {
  let verdict: Verdict = "refused";
  try {
    const graph = importOnnx(bytes);
    validateGraph(graph);
    verdict = "imported";
    specialise(graph, inputShapes(graph));
    verdict = "specialised";
  } catch (error) {
    if (!(error instanceof LensletError)) throw error;
  }
  return verdict;
}

/** Whether a file gets through without damage. */
export function isWhole(bytes: Uint8Array): boolean {
  return judge(bytes) === "specialised";
}

/** A shape for each input: as declared, a small one where that is open. */
export function inputShapes({ inputs }: Graph): ReadonlyMap<ValueName, readonly number[]> {
  const symbols = new Map<string, number>();
  return new Map(
    [...inputs].map(([name, { shape = [1, 3, 8, 8] }]) => {
      const sizes = shape.map((size, axis) => {
        if (typeof size === "number") return size;
        const usual = [1, 3, 32, 32][axis] ?? 4;
        if (size === undefined) return usual;
        if (!symbols.has(size)) symbols.set(size, usual);
        return symbols.get(size) ?? usual;
      });
      return [name, sizes];
    }),
  );
}
