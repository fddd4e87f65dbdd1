import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import wasm from "vite-plugin-wasm";
import { modelFile } from "../models/fetch.ts";

// The plugin declares the types of its CommonJS form, where the function lies one level deeper.
const wasmModules = wasm as unknown as () => Plugin;

/** Fetches the network that finds faces, where the page imports it from. The page can do without, and says so. */
function fetchedNetworks(): Plugin {
  return {
    name: "fetched-networks",
    buildStart() {
      // Whoever is offline should not wait for a minute until npm has tried three times.
      process.env["npm_config_fetch_retries"] ??= "0";
      try {
        modelFile("blazeface-front");
      } catch (error) {
        this.warn(`the page will find no faces: ${error instanceof Error ? error.message : String(error)}`);
      }
    },
  };
}

/**
 * vite-plugin-wasm turns `import * as core from "x.wasm"` into an instance in this thread. The engine wants the file
 * itself, to compile it for its worker, so `engine.ts` imports `x.wasm?url`; that the plugin leaves to Vite.
 */
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  plugins: [wasmModules(), fetchedNetworks()],
  build: { target: "esnext" },
  server: {
    // The package lies two folders up, in dist/.
    fs: { allow: [fileURLToPath(new URL("../..", import.meta.url))] },
  },
});
