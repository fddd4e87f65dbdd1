/** What a run found, as it is written by `--json` and read by `--compare`. */
import type { Case } from "./cases.ts";
import type { Clock } from "./clock.ts";
import type { Host } from "./peers/peer.ts";

/** Milliseconds a call, one number a round, or why there are none. */
export type Times = { readonly rounds: readonly number[] } | { readonly error: string };

export interface CaseReport {
  readonly layer: Case;
  readonly group: string;
  /** How often its network has it. */
  readonly count: number;
  /** By name of the runtime; the result as a JavaScript array. A runtime without the operator is absent. */
  readonly compute: Readonly<Record<string, Times>>;
  /** The result left in the runtime, for runtimes that can. */
  readonly keep: Readonly<Record<string, Times>>;
  /** The machine's multiply-adds, GFLOP/s, one number a round. */
  readonly peak: readonly number[];
  /** Copying as many bytes as the input has, milliseconds, one number a round. */
  readonly copy: readonly number[];
}

export interface RuntimeReport {
  readonly name: string;
  readonly kind: "lenslet" | "wasm" | "native";
  readonly version: string;
  /** What it chose, or why it does not take part. */
  readonly about: string;
  readonly missing: boolean;
}

/** From before its import to the first result, in a fresh process. */
export interface ColdReport {
  readonly name: string;
  readonly ms: number;
  /** What it added to the resident memory of the process, MiB. */
  readonly memory: number;
}

export interface SizeReport {
  readonly name: string;
  /** Bytes of the files that it loads: as they are, and gzipped. */
  readonly raw: number;
  readonly gzip: number;
  readonly wasm: number | undefined;
  readonly wasmGzip: number | undefined;
}

export interface Report {
  readonly format: 1;
  readonly date: string;
  readonly host: Host;
  readonly engine: string;
  readonly cpu: string;
  readonly cores: number;
  readonly fused: boolean;
  readonly clock: Clock;
  /** Copying 64 MiB, GB/s read and written together. */
  readonly bandwidth: number;
  readonly runtimes: readonly RuntimeReport[];
  readonly cases: readonly CaseReport[];
  readonly cold: readonly ColdReport[];
  readonly sizes: readonly SizeReport[];
}
