import { LensletError } from "./errors.ts";

/** The error of an aborted call; the signal's reason is its cause. */
export function abortError(signal: AbortSignal, call = "createEngine"): LensletError {
  return new LensletError("aborted", `${call}: aborted by the caller's signal`, {
    argument: "signal",
    cause: signal.reason,
  });
}

/** Settles as `promise` does, or rejects with `aborted` as soon as the signal says so; `discard` gets what comes later. */
export function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  discard?: (late: T) => void,
  call?: string,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(abortError(signal, call));
      if (discard !== undefined) promise.then(discard, () => undefined);
    };
    const stop = (): void => signal.removeEventListener("abort", abort);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(stop);
  });
}
