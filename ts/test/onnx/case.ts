/** ONNX's test cases, as they lie on disk: a model, and sets of inputs with the outputs that they give. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The groups of cases that come with models; "real" has only addresses of large ones. */
export const GROUPS: readonly string[] = ["node", "pytorch-converted", "pytorch-operator", "simple"];

/** A case; what is in its files is read when it is asked for. */
export interface BackendCase {
  /** "node/test_abs" */
  readonly name: string;
  readonly model: () => Uint8Array<ArrayBuffer>;
  readonly sets: () => readonly DataSet[];
}

/** Serialised tensors, in the order of the graph's inputs and outputs. */
export interface DataSet {
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
}

/** All cases below a folder, in the order of their names. */
export function casesIn(folder: string): readonly BackendCase[] {
  return GROUPS.flatMap((group) =>
    readdirSync(join(folder, group))
      .sort()
      .map((name) => caseIn(`${group}/${name}`, join(folder, group, name))),
  );
}

function caseIn(name: string, folder: string): BackendCase {
  return {
    name,
    model: () => bytesOf(join(folder, "model.onnx")),
    sets: () =>
      readdirSync(folder)
        .filter((set) => set.startsWith("test_data_set_"))
        .map((set) => ({
          inputs: numbered(join(folder, set), "input"),
          outputs: numbered(join(folder, set), "output"),
        })),
  };
}

/** The contents of `input_0.pb`, `input_1.pb` and so on. */
function numbered(folder: string, what: string): readonly Uint8Array[] {
  const files = readdirSync(folder).filter((file) => file.startsWith(`${what}_`));
  return files.map((_, index) => bytesOf(join(folder, `${what}_${index}.pb`)));
}

/** A file's bytes, at the start of a buffer of their own. */
function bytesOf(path: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(path));
}
