/** A worker of a page's own that makes an engine: told where the core is, and whether to give the engine another worker. */
import { createEngine } from "lenslet";

/** What the page asks for. */
export interface Order {
  readonly worker: boolean;
  readonly wasm: string;
}

addEventListener("message", ({ data }: MessageEvent<Order>) => {
  createEngine(data)
    .then(async (engine) => {
      const [value] = await engine.neg(engine.tensor([5])).data();
      postMessage([engine.info.host, value]);
      engine.dispose();
    })
    .catch((error: unknown) => postMessage(String(error)));
});
