/**
 * Where the reference cases lie: a part of them beside the kernels' tests, all of them in the folder that the environment
 * variable LENSLET_REFERENCE names. For Node; a browser is handed what this reads.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { groups } from "./cases.ts";

/** A group as it travels to a browser: the JSON file's text and the numbers' bytes in base64. */
export interface PackedReference {
  readonly json: string;
  readonly base64: string;
}

/** Reads groups from LENSLET_REFERENCE, or those kept in the project: all of operators, if not others are named. */
export function readReferences(root: string, names: readonly string[] = groups): readonly PackedReference[] {
  const all = process.env["LENSLET_REFERENCE"];
  const folder = all === undefined || all === "" ? join(root, "crates", "kernels", "tests", "reference") : all;
  const present = names.filter((group) => existsSync(join(folder, `${group}.json`)));
  if (present.length < names.length) throw new Error(`${folder} has not all of ${names.join(", ")}`);
  return present.map((group) => ({
    json: readFileSync(join(folder, `${group}.json`), "utf8"),
    base64: readFileSync(join(folder, `${group}.f32`)).toString("base64"),
  }));
}
