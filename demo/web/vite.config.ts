import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import wasm from "vite-plugin-wasm";

// The plugin declares the types of its CommonJS form, where the function lies one level deeper.
const wasmModules = wasm as unknown as () => Plugin;

/**
 * vite-plugin-wasm turns `import * as core from "x.wasm"` into an instance in this thread. The engine wants the file
 * itself, to compile it for its worker, so `engine.ts` imports `x.wasm?url`; that the plugin leaves to Vite.
 */
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  plugins: [wasmModules()],
  build: { target: "esnext" },
  server: {
    // The package lies two folders up, in dist/.
    fs: { allow: [fileURLToPath(new URL("../..", import.meta.url))] },
  },
});
