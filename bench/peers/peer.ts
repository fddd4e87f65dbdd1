/** What every runtime looks like to the benchmark. */
import type { Begin } from "../cases.ts";
import type { Floats, Work } from "../work.ts";

/** Where a benchmark runs: Node, or a page in Chromium. */
export type Host = "node" | "browser";

/** Builds of lenslet that can be asked for. */
export type BuildChoice = "auto" | "simd" | "relaxed";

export interface Environment {
  readonly host: Host;
  readonly build: BuildChoice;
  /** Where a file of an installed package is: a path, or a URL in the page. */
  readonly asset: (path: string) => string;
}

/** A runtime that may be installed. The module of a peer imports none of its packages before `open`. */
export interface Peer {
  readonly name: string;
  /** Native code is shown beside WebAssembly, not counted with it. */
  readonly kind: "lenslet" | "wasm" | "native";
  readonly hosts: readonly Host[];
  /** The npm package whose version says which release this is. */
  readonly packageName: string;
  /** Files that a page or program loads to use it, as paths of packages. A folder counts whole. */
  readonly files: readonly string[];
  /** The WebAssembly among them, or packed in them; none where it cannot be told apart. */
  readonly wasm: string | undefined;
  open(environment: Environment): Promise<Runtime>;
}

/** A runtime, loaded, on one thread. */
export interface Runtime {
  /** What it chose: a build, a backend. */
  readonly about: string;
  /** The case made ready: weights in place, sessions created. `undefined`: this runtime has no such operator. */
  prepare(work: Work): Promise<Prepared | undefined>;
  close(): Promise<void> | void;
}

/** One case in one runtime, ready to be timed. */
export interface Prepared {
  readonly layout: "NHWC" | "NCHW";
  /** Where padding begins, if not where the case says. */
  readonly begin?: Begin | undefined;
  /** One call: from input at rest to the result as an array of JavaScript's, everything else freed. */
  compute(): Promise<Floats> | Floats;
  /** One call whose result stays in the runtime and is freed. Absent where the API gives arrays only. */
  keep?: (() => Promise<void> | void) | undefined;
  dispose(): Promise<void> | void;
}

/** An array that certainly lies in memory of its own kind: some runtimes type theirs more loosely. */
export function floats(data: unknown): Floats {
  if (data instanceof Float32Array && data.buffer instanceof ArrayBuffer) return data as Floats;
  throw new TypeError("the runtime gave something else than a Float32Array");
}
