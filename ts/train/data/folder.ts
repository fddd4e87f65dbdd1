/** A folder of pictures, which lie in a folder for each class: how sets of one's own are mostly kept. */
import { platform } from "#platform";
import { LensletError } from "../../errors.ts";
import { invalid } from "../../options.ts";
import type { FolderEntry } from "../../platform/platform.ts";
import type { Dataset } from "./dataset.ts";
import { pictureDataset, type PictureOptions } from "./pictures.ts";

const CALL = "data.folder";
/** What names of pictures end with; whatever else lies beside them is left alone. */
const PICTURE = /\.(?:jpe?g|png|webp|gif|avif|tiff?)$/i;

/**
 * Pictures that lie in one folder for each class, `pets/cat/1.jpg`, as samples. Folders are classes in the order of their
 * names, pictures samples in the order of theirs (by code units, so that no machine's language changes it); names that begin
 * with a dot are left out. Node, Deno and Bun only: a page has `data.pictures`. Needs the package `sharp`.
 *
 * Rejects with `file-failed` where the folder cannot be read, and with `data-invalid` where it has no folders with pictures.
 *
 * @example
 * const pets = await data.folder("pets", { size: 64 });
 * const { training, validation } = data.split(pets, 0.2);
 */
export async function folder(path: string | URL, options: PictureOptions): Promise<Dataset> {
  if ((typeof path !== "string" || path === "") && !(path instanceof URL))
    throw invalid(CALL, "path", path, "the path of a folder");
  if (platform.listFolder === undefined) {
    const text = `${CALL}: browsers cannot list folders; data.pictures takes the files that a visitor chose`;
    throw new LensletError("file-failed", text, { argument: "path" });
  }
  const classes = (await list(path)).filter(({ isFolder }) => isFolder);
  const names = classes.map(({ name }) => name);
  const empty = (what: string): LensletError =>
    new LensletError(
      "data-invalid",
      `${CALL}: ${String(path)} ${what}; expected one folder for each class, with its pictures`,
      { argument: "path" },
    );
  if (classes.length === 0) throw empty("has no folders");
  const files = await Promise.all(classes.map((entry) => list(entry.path)));
  const labelled = files.flatMap((entries, label) => {
    const found = entries.filter(({ name, isFolder }) => !isFolder && PICTURE.test(name));
    if (found.length === 0) throw empty(`has no pictures in ${names[label] ?? ""}`);
    return found.map(({ path: source }) => ({ source, label }));
  });
  return pictureDataset(CALL, labelled, { ...options, classes: names });
}

/** What lies in a folder and is not hidden, in the order of code units. */
async function list(path: string | URL): Promise<readonly FolderEntry[]> {
  try {
    const entries = (await platform.listFolder?.(path)) ?? [];
    return entries.filter(({ name }) => !name.startsWith(".")).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const text = `${CALL}: path ${String(path)} could not be read (${reason}); expected a folder`;
    throw new LensletError("file-failed", text, { argument: "path", cause });
  }
}
