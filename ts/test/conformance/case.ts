/** What a conformance case is, and how it says that something is wrong. No test runner here. */
import { type Engine, type ErrorCode, LensletError, type NdArray, type Tensor } from "lenslet";
import { assertClose, type Expected } from "../oracle/compare.ts";
import { Random } from "../oracle/random.ts";

/** One behaviour of an engine. Throws if it is not so; frees every tensor that it makes. */
export interface Case {
  readonly name: string;
  run(engine: Engine): Promise<void>;
}

/** Throws unless `condition` holds. */
export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** Throws unless two plain values (numbers, strings, arrays, objects of them) are the same. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  const [got, wanted] = [plain(actual), plain(expected)];
  if (got !== wanted) throw new Error(`${what}: ${got}, expected ${wanted}`);
}

function plain(value: unknown): string {
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return plain(Array.from(value as Float32Array));
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "number" && !Number.isFinite(inner) ? String(inner) : inner,
  );
}

/** Throws unless `error` is lenslet's, with this code and a message that every pattern matches. */
export function expectError(error: unknown, code: ErrorCode, patterns: readonly RegExp[] = []): LensletError {
  if (!(error instanceof LensletError)) throw new Error(`expected a LensletError (${code}), got ${String(error)}`);
  check(error.code === code, `expected code ${code}, got ${error.code}: ${error.message}`);
  for (const pattern of patterns) {
    check(pattern.test(error.message), `the message does not match ${String(pattern)}: ${error.message}`);
  }
  return error;
}

/** The LensletError that `call` throws. */
export function throws(call: () => unknown, code: ErrorCode, ...patterns: readonly RegExp[]): LensletError {
  try {
    call();
  } catch (error) {
    return expectError(error, code, patterns);
  }
  throw new Error(`nothing was thrown; expected ${code}`);
}

/** The LensletError that a promise rejects with. */
export async function rejects(
  promise: Promise<unknown>,
  code: ErrorCode,
  ...patterns: readonly RegExp[]
): Promise<LensletError> {
  try {
    await promise;
  } catch (error) {
    return expectError(error, code, patterns);
  }
  throw new Error(`nothing was rejected; expected ${code}`);
}

/** A tensor of an array. */
export function upload(engine: Engine, { data, shape }: NdArray): Tensor {
  return engine.tensor(data, shape);
}

/** Compares a tensor with what the oracle expects, then disposes of it. */
export async function compare(tensor: Tensor | Tensor<"int32">, expected: Expected, what: string): Promise<void> {
  const data = await tensor.data();
  assertClose({ shape: tensor.shape, data }, expected, what);
  tensor.dispose();
}

/** A tensor's elements as plain numbers; disposes of it. */
export async function take(tensor: Tensor | Tensor<"int32">): Promise<number[]> {
  const data = await tensor.data();
  tensor.dispose();
  return [...data];
}

/** The random numbers of a case: the same in every run and on every engine. */
export function randomFor(name: string): Random {
  let hash = 2166136261;
  for (const letter of name) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 16777619);
  return new Random(hash);
}
