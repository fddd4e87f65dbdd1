/** Tensors whose numbers lie in files beside the model's. */
import { malformed, quote } from "./malformed.ts";
import type { TensorProto } from "./proto/onnx_pb.ts";

/** Contents of the files beside the model's, by the locations that it gives them. */
export type ExternalData = ReadonlyMap<string, Uint8Array>;

/** Whether the tensor's numbers lie elsewhere. */
export function isExternal({ dataLocation }: TensorProto): boolean {
  return dataLocation === 1;
}

/** The file that has the tensor's numbers: a path below the model's folder, with `/` between its parts. */
export function locationOf(tensor: TensorProto): string {
  const location = entry(tensor, "location");
  if (location === undefined || location === "") {
    throw malformed(`tensor ${quote(tensor.name)} has external data without a location`);
  }
  // Whoever opens the location must not be led out of the model's folder.
  const parts = location.split("/");
  if (/^[a-z][a-z0-9+.-]*:|\\|\0/i.test(location) || parts[0] === "" || parts.includes("..")) {
    throw malformed(
      `tensor ${quote(tensor.name)} has external data at ${quote(location)}; expected a path below the model's folder`,
    );
  }
  return location;
}

/** The tensor's bytes, as a view. */
export function externalBytes(tensor: TensorProto, files: ExternalData): Uint8Array {
  const location = locationOf(tensor);
  const file = files.get(location);
  if (file === undefined) {
    throw malformed(
      `tensor ${quote(tensor.name)} lies in ${quote(location)}, which was not given; pass it as external data`,
    );
  }
  const offset = bytesOf(tensor, "offset") ?? 0;
  const length = bytesOf(tensor, "length") ?? file.byteLength - offset;
  if (offset > file.byteLength || length > file.byteLength - offset) {
    throw malformed(
      `tensor ${quote(tensor.name)} is ${length} bytes at ${offset} of ${quote(location)}, which has ${file.byteLength}`,
    );
  }
  return file.subarray(offset, offset + length);
}

function entry({ externalData }: TensorProto, key: string): string | undefined {
  return externalData.find((pair) => pair.key === key)?.value;
}

function bytesOf(tensor: TensorProto, key: string): number | undefined {
  const text = entry(tensor, key);
  if (text === undefined) return undefined;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value))
    throw malformed(`tensor ${quote(tensor.name)} has external data with the ${key} ${quote(text)}`);
  return value;
}
