import { type Engine, image, type Tensor } from "lenslet";
import { compute, type Plane, type Result } from "./compute.ts";
import { isFatal, startEngine } from "./engine.ts";
import type { Picture } from "./picture.ts";
import type { Settings } from "./settings.ts";

/** What lies in the engine between runs: the picture, as values. */
interface Upload {
  readonly picture: Picture;
  readonly colour: Settings["colour"];
  readonly tensor: Tensor;
  readonly plane: Plane;
}

/** The engine with the picture at hand in it. If the engine is lost, the next run starts another. */
export class Workbench {
  readonly #started: (engine: Engine) => void;
  #engine: Promise<Engine> | undefined;
  #upload: Upload | undefined;
  #picture: Picture | undefined;

  constructor(started: (engine: Engine) => void) {
    this.#started = started;
  }

  get picture(): Picture | undefined {
    return this.#picture;
  }

  set picture(picture: Picture) {
    this.#picture = picture;
  }

  /** The engine, started when first asked for. */
  get engine(): Promise<Engine> {
    this.#engine ??= startEngine().then(
      (engine) => {
        this.#started(engine);
        return engine;
      },
      (error: unknown) => {
        // The next run may have more luck: the network is back, say.
        this.#engine = undefined;
        throw error;
      },
    );
    return this.#engine;
  }

  /** Filters the picture at hand; undefined if there is none yet. */
  async run(settings: Settings): Promise<Result | undefined> {
    const picture = this.#picture;
    if (picture === undefined) return undefined;
    const engine = await this.engine;
    try {
      return await this.#attempt(engine, picture, settings);
    } catch (error) {
      if (!isFatal(error)) throw error;
      await this.discard(engine);
      return await this.#attempt(await this.engine, picture, settings);
    }
  }

  /** Gives up an engine that is lost; whoever asks for one next gets another. */
  async discard(lost: Engine): Promise<void> {
    if ((await this.#engine) !== lost) return;
    this.#engine = undefined;
    this.#upload = undefined;
    lost.dispose();
  }

  async #attempt(engine: Engine, picture: Picture, settings: Settings): Promise<Result> {
    const { tensor, plane } = await this.#placed(engine, picture, settings.colour);
    return compute(engine, tensor, plane, settings);
  }

  async #placed(engine: Engine, picture: Picture, colour: Settings["colour"]): Promise<Upload> {
    if (this.#upload?.picture === picture && this.#upload.colour === colour) return this.#upload;
    this.#upload?.tensor.dispose();
    this.#upload = undefined;
    const tensor = image.toTensor(engine, picture.pixels, { color: colour === "grey" ? "grey" : "rgb" });
    const [, height = 0, width = 0, channels = 0] = tensor.shape;
    const plane = { height, width, channels, values: await tensor.data() };
    this.#upload = { picture, colour, tensor, plane };
    return this.#upload;
  }
}
