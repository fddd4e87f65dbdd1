import type { Engine, Model } from "lenslet";
import type { Network, NetworkId } from "./network.ts";

/** A network in an engine. */
export interface Loaded {
  readonly engine: Engine;
  readonly model: Model;
  /** From the first byte asked for until it could run. */
  readonly milliseconds: number;
}

/** The networks that were asked for: each comes once, and stays as long as its engine does. */
export class LoadedNetworks {
  readonly #loaded = new Map<NetworkId, Loaded>();
  readonly #loading = new Map<NetworkId, Promise<Loaded>>();
  readonly #progress: (network: Network, loaded: number) => void;

  /** `progress` is told how many bytes are here. */
  constructor(progress: (network: Network, loaded: number) => void) {
    this.#progress = progress;
  }

  /** The network in this engine, if it is there. */
  in(engine: Engine, { id }: Network): Loaded | undefined {
    const found = this.#loaded.get(id);
    return found?.engine === engine ? found : undefined;
  }

  /** Whether the network is on its way. */
  isComing({ id }: Network): boolean {
    return this.#loading.has(id);
  }

  /** Brings the network, unless it is on its way. Rejects with what `engine.load` rejects with. */
  async bring(engine: Engine, network: Network): Promise<Loaded> {
    const { id } = network;
    let loading = this.#loading.get(id);
    if (loading === undefined) {
      loading = this.#load(engine, network).finally(() => this.#loading.delete(id));
      this.#loading.set(id, loading);
    }
    return loading;
  }

  async #load(engine: Engine, network: Network): Promise<Loaded> {
    const { address, name } = network;
    if (address === undefined) {
      throw new Error(
        `${name} is not here: its file comes from npm when the page is built, and npm could not be reached.`,
      );
    }
    const start = performance.now();
    const model = await engine.load(new URL(address, location.href), {
      onProgress: ({ loaded }) => this.#progress(network, loaded),
    });
    await engine.idle();
    const loaded = { engine, model, milliseconds: performance.now() - start };
    this.#loaded.set(network.id, loaded);
    return loaded;
  }
}
