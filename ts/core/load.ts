/** From a choice of build to a compiled module. */
import { relaxedSimd, simd } from "wasm-feature-detect";
import type { Build } from "../command.ts";
import { LensletError } from "../errors.ts";

/** The core in another form than the package's own: bytes, a compiled module, or where to fetch the bytes. */
export type WasmSource = BufferSource | WebAssembly.Module | URL | string;

/** Options of {@link loadCore}. */
export interface LoadOptions {
  readonly build: Build | "auto";
  readonly wasm: WasmSource | undefined;
  /** Whether the core is to have the operators of training. */
  readonly training: boolean;
  /** Fetches a file; throws if there is none. */
  readonly request: (source: URL | string) => Promise<Response>;
  /** The bytes of deflate-raw data in base64. */
  readonly inflate: Inflate;
}

type Inflate = (base64: string) => BufferSource | Promise<BufferSource>;

/** The compiled core. */
export async function loadCore({ build, wasm, training, request, inflate }: LoadOptions): Promise<WebAssembly.Module> {
  if (typeof WebAssembly === "undefined")
    throw unsupported("this runtime has no WebAssembly; allow it, or use another runtime");
  if (wasm === undefined) return packagedCore(await chooseBuild(build), training, inflate);
  try {
    if (typeof wasm === "string" || wasm instanceof URL) return await compileAnswer(await request(wasm));
    return wasm instanceof WebAssembly.Module ? wasm : await WebAssembly.compile(wasm);
  } catch (cause) {
    const expected = "expected lenslet/wasm/simd.wasm or lenslet/wasm/relaxed.wasm of this version";
    throw loadError(`wasm${placeOf(wasm)}`, cause, expected, "wasm");
  }
}

/** The build to load: the one that was asked for, or the best that this runtime can run. */
async function chooseBuild(wanted: Build | "auto"): Promise<Build> {
  if (!(await simd()))
    throw unsupported("this runtime's WebAssembly has no SIMD, which lenslet needs; use a newer one");
  if (wanted === "simd") return "simd";
  if (await relaxedSimd()) return "relaxed";
  if (wanted === "auto") return "simd";
  throw unsupported('build is "relaxed", but this runtime has no relaxed SIMD; use "simd" or "auto"', "build");
}

/** A compiled module is the same for every engine, and its code is compiled once. */
const compiled = new Map<string, Promise<WebAssembly.Module>>();

function packagedCore(build: Build, training: boolean, inflate: Inflate): Promise<WebAssembly.Module> {
  const name = training ? `${build}-training` : build;
  let module = compiled.get(name);
  if (module === undefined) {
    module = compilePackaged(build, training, inflate);
    compiled.set(name, module);
    // What failed, a chunk that the network lost, may work the next time.
    module.catch(() => compiled.delete(name));
  }
  return module;
}

/** The module of each core: bundlers see the names, and make a chunk of each that is fetched when it is wanted. */
function importPackaged(build: Build, training: boolean): Promise<{ readonly default: string }> {
  if (training) return build === "relaxed" ? import("#wasm/relaxed-training") : import("#wasm/simd-training");
  return build === "relaxed" ? import("#wasm/relaxed") : import("#wasm/simd");
}

async function compilePackaged(build: Build, training: boolean, inflate: Inflate): Promise<WebAssembly.Module> {
  try {
    const { default: packed } = await importPackaged(build, training);
    return await WebAssembly.compile(await inflate(packed));
  } catch (cause) {
    const remedy =
      "a Content-Security-Policy must allow script-src 'wasm-unsafe-eval'; `wasm` takes the core from elsewhere";
    throw loadError(`the ${build} build of the core`, cause, remedy);
  }
}

async function compileAnswer(response: Response): Promise<WebAssembly.Module> {
  // Streaming takes this type only; some servers, and files, have another or none.
  const streams = response.headers.get("content-type") === "application/wasm" && "compileStreaming" in WebAssembly;
  return streams ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}

function placeOf(source: WasmSource): string {
  return typeof source === "string" || source instanceof URL ? ` (${String(source).slice(0, 200)})` : "";
}

function loadError(what: string, cause: unknown, remedy: string, argument?: string): LensletError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const text = `createEngine: ${what} could not be fetched or compiled (${reason.replace(/\.$/, "")}); ${remedy}`;
  return new LensletError("wasm-load-failed", text, { argument, cause });
}

function unsupported(text: string, argument?: string): LensletError {
  return new LensletError("wasm-unsupported", `createEngine: ${text}`, { argument });
}
