/** What the commands have in common: the photograph, and how mistakes are told. */
import { access } from "node:fs/promises";
import { image, LensletError } from "lenslet";
import { UsageError } from "./arguments.ts";
import { paint } from "./report.ts";

type Pixels = Awaited<ReturnType<typeof image.decode>>;

/** Reads a photograph. */
export async function readPhoto(photo: string): Promise<Pixels> {
  await access(photo).catch((cause: unknown) => {
    throw new UsageError(`there is no file ${photo}, or it may not be read`, { cause });
  });
  return image.decode(photo).catch((cause: unknown) => {
    const unreadable = cause instanceof LensletError && cause.code === "image-failed";
    throw unreadable ? new UsageError(`${photo} is not a picture that can be read`, { cause }) : cause;
  });
}

/** Runs a command on this process's arguments, or prints its help. */
export async function runCommand<A>(
  help: string,
  read: (words: readonly string[]) => A | undefined,
  main: (asked: A) => Promise<void>,
): Promise<void> {
  try {
    const asked = read(process.argv.slice(2));
    if (asked === undefined) console.log(help);
    else await main(asked);
  } catch (error) {
    tell(error);
  }
}

/** Mistakes and unreadable files are told in one line; anything else is a fault of ours and keeps its stack. */
function tell(error: unknown): void {
  process.exitCode = 1;
  if (error instanceof UsageError) console.error(`${paint("red", "error:")} ${error.message} (--help tells more)`);
  else if (error instanceof LensletError) console.error(`${paint("red", "error:")} ${error.message}`);
  else if (error instanceof Error && "code" in error && "syscall" in error) {
    console.error(`${paint("red", "error:")} ${error.message}`);
  } else throw error;
}
