import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** What the command line asks for. */
export interface Arguments {
  readonly photo: string;
  readonly out: string;
  readonly worker: boolean;
  readonly build: "auto" | "simd" | "relaxed";
}

/** A mistake in the command line, to be told in one line. */
export class UsageError extends Error {}

export const HELP = `Filters a photograph and writes what comes out as PNG files.

  npm start                        the bundled photograph
  npm start -- photo.jpg           your own (JPEG, PNG, WebP, AVIF, GIF, TIFF)

  --out <folder>                   where to write; demo/node/output unless told
  --worker                         compute in a worker thread instead of this one
  --build <auto|simd|relaxed>      which build of the core to use; auto unless told
  -h, --help                       this text`;

const bundledPhoto = fileURLToPath(new URL("../photo.png", import.meta.url));
const defaultFolder = fileURLToPath(new URL("./output", import.meta.url));

/** Reads the command line; undefined if it asks for help. Paths are meant from where npm was called. */
export function readArguments(words: readonly string[]): Arguments | undefined {
  const { values, positionals } = parse(words);
  if (values.help) return undefined;
  if (positionals.length > 1) {
    throw new UsageError(`expected one photograph, got ${positionals.length}: ${positionals.join(", ")}`);
  }
  const { build } = values;
  if (build !== "auto" && build !== "simd" && build !== "relaxed") {
    throw new UsageError(`--build is "${build}"; expected auto, simd or relaxed`);
  }
  const [photo] = positionals;
  if (photo === "") throw new UsageError("the photograph's name is empty");
  if (values.out === "") throw new UsageError("--out is empty; expected a folder");

  const here = process.env["INIT_CWD"] ?? process.cwd();
  return {
    photo: photo === undefined ? bundledPhoto : resolve(here, photo),
    out: values.out === undefined ? defaultFolder : resolve(here, values.out),
    worker: values.worker,
    build,
  };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        out: { type: "string" },
        worker: { type: "boolean", default: false },
        build: { type: "string", default: "auto" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    // Node adds advice about "--" in further sentences; the first one says what is wrong.
    const text = error instanceof Error ? error.message : String(error);
    throw new UsageError(text.split(". ")[0]?.replace(/\.$/, "") ?? text, { cause: error });
  }
}
