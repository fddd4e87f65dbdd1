import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import wasm from "vite-plugin-wasm";

// The plugin declares the types of its CommonJS form, where the function lies one level deeper.
const wasmModules = wasm as unknown as () => Plugin;

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
