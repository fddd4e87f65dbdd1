/** The tarball in a fresh project of this Node: the same for the Node of the tests and for the oldest supported one. */

import { NODE_PROGRAM, OWN_WORKER, type Report } from "./programs.ts";
import { createProject, pack, runScript, temporaryFolder } from "./project.ts";

/** Packs, installs, runs; gives what the program reported. */
export async function reportOfNodeProject(): Promise<Readonly<Record<"thread" | "worker" | "own", Report>>> {
  await using folder = await temporaryFolder();
  const tarball = await pack(folder.path);
  await createProject(folder.path, tarball, { "program.js": NODE_PROGRAM, "own-worker.js": OWN_WORKER });
  return (await runScript(folder.path, "program.js")) as Readonly<Record<"thread" | "worker" | "own", Report>>;
}
