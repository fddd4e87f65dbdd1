import { LensletError } from "../errors.ts";

/** The error for a file that no ONNX runtime could make sense of: "importOnnx: node "conv1" reads "x", which ...". */
export function malformed(text: string, cause?: unknown): LensletError {
  return new LensletError("model-invalid", `importOnnx: ${text}`, cause === undefined ? {} : { cause });
}

/** A name from a file as messages show it: quoted, and short. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 77)}...` : name);
}
