import { join } from "node:path";

/** The repository. */
export const ROOT: string = join(import.meta.dirname, "..", "..");

/** Where cargo and this script keep what can be thrown away. */
export const TARGET: string = join(ROOT, "target");

/** Where tools are installed: inside the project, so that a machine is left as it was. */
export const TOOLS: string = join(TARGET, "tools");

/** What the package ships. */
export const DIST_WASM: string = join(ROOT, "dist", "wasm");
