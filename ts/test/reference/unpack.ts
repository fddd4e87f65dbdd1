/** From the form in which reference cases travel to the form in which they are run. */
import type { Group, Reference } from "./cases.ts";
import type { PackedReference } from "./files.ts";

/** The numbers are little-endian float32, as every machine here has them. */
export function unpack({ json, base64 }: PackedReference): Reference {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return { group: JSON.parse(json) as Group, numbers: new Float32Array(bytes.buffer) };
}
