import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type ParseArgsOptionsConfig, parseArgs } from "node:util";

/** What every command is told. */
export interface Arguments {
  readonly photo: string;
  readonly worker: boolean;
  readonly build: "auto" | "simd" | "relaxed";
}

/** What `npm start` is told. */
export interface FilterArguments extends Arguments {
  readonly out: string;
}

/** A mistake in the command line, to be told in one line. */
export class UsageError extends Error {}

export const FILTER_HELP = `Filters a photograph and writes what comes out as PNG files.

  npm start                        the bundled photograph
  npm start -- photo.jpg           your own (JPEG, PNG, WebP, AVIF, GIF, TIFF)

  --out <folder>                   where to write; demo/node/output unless told
  --worker                         compute in a worker thread instead of this one
  --build <auto|simd|relaxed>      which build of the core to use; auto unless told
  -h, --help                       this text`;

export const CLASSIFY_HELP = `Tells what a photograph shows, of the 1,000 classes of ImageNet.

  npm run classify                 the bundled photograph
  npm run classify -- photo.jpg    your own (JPEG, PNG, WebP, AVIF, GIF, TIFF)

  --worker                         compute in a worker thread instead of this one
  --build <auto|simd|relaxed>      which build of the core to use; auto unless told
  -h, --help                       this text`;

const bundledPhoto = fileURLToPath(new URL("../photo.png", import.meta.url));
const defaultFolder = fileURLToPath(new URL("./output", import.meta.url));

const COMMON = {
  worker: { type: "boolean", default: false },
  build: { type: "string", default: "auto" },
  help: { type: "boolean", short: "h", default: false },
} as const satisfies ParseArgsOptionsConfig;

/** Reads the command line of `npm start`; undefined if it asks for help. */
export function readFilterArguments(words: readonly string[]): FilterArguments | undefined {
  const { values, positionals } = parse(words, { ...COMMON, out: { type: "string" } });
  if (values.help) return undefined;
  if (values.out === "") throw new UsageError("--out is empty; expected a folder");
  return { ...common(values, positionals), out: values.out === undefined ? defaultFolder : fromCaller(values.out) };
}

/** Reads the command line of `npm run classify`; undefined if it asks for help. */
export function readClassifyArguments(words: readonly string[]): Arguments | undefined {
  const { values, positionals } = parse(words, COMMON);
  return values.help ? undefined : common(values, positionals);
}

function common(
  { build, worker }: { readonly build: string; readonly worker: boolean },
  positionals: readonly string[],
): Arguments {
  if (positionals.length > 1) {
    throw new UsageError(`expected one photograph, got ${positionals.length}: ${positionals.join(", ")}`);
  }
  if (build !== "auto" && build !== "simd" && build !== "relaxed") {
    throw new UsageError(`--build is "${build}"; expected auto, simd or relaxed`);
  }
  const [photo] = positionals;
  if (photo === "") throw new UsageError("the photograph's name is empty");
  return { photo: photo === undefined ? bundledPhoto : fromCaller(photo), worker, build };
}

/** Paths are meant from where npm was called. */
function fromCaller(path: string): string {
  return resolve(process.env["INIT_CWD"] ?? process.cwd(), path);
}

function parse<T extends ParseArgsOptionsConfig>(words: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...words], allowPositionals: true, options });
  } catch (error) {
    // Node adds advice about "--" in further sentences; the first one says what is wrong.
    const text = error instanceof Error ? error.message : String(error);
    throw new UsageError(text.split(". ")[0]?.replace(/\.$/, "") ?? text, { cause: error });
  }
}
