import { LensletError } from "../../errors.ts";

/** The error that a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<LensletError> {
  const error: unknown = await promise.then(
    () => "nothing was rejected",
    (reason: unknown) => reason,
  );
  if (error instanceof LensletError) return error;
  throw error;
}
