/** The failure suite of one kind of engine. */
import { core } from "./core.ts";
import { endurance } from "./endurance.ts";
import { lifecycle } from "./lifecycle.ts";
import { loading, workerLoading } from "./loading.ts";
import type { FailureCase } from "./setting.ts";
import { workers } from "./worker.ts";

/** The cases by subject. */
export function failureCases(worker: boolean): Readonly<Record<string, readonly FailureCase[]>> {
  return {
    lifecycle,
    loading: worker ? [...loading, ...workerLoading] : loading,
    "the core": core,
    endurance,
    ...(worker ? { "the worker": workers } : {}),
  };
}
