import { LensletError } from "../../../errors.ts";

/** What `call` throws, or rejects with, as its code and its text. */
export async function failure(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    if (error instanceof LensletError) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error("nothing was thrown");
}
