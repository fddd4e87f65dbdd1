import { type Engine, image } from "lenslet";
import { catalogue, OWN } from "./catalogue.ts";
import { compute } from "./compute.ts";
import { brush, make } from "./dom.ts";
import { pixelsOf } from "./picture.ts";
import type { Kernel, Settings } from "./settings.ts";
import { render, shade } from "./tones.ts";

const WIDTH = 112;

/** The filters to choose from, each showing what it makes of the picture at hand. */
export class FilterSheet {
  readonly #tiles = new Map<string, { input: HTMLInputElement; canvas: HTMLCanvasElement }>();

  constructor(container: HTMLElement, choose: (id: string) => void) {
    const entries = [...catalogue, { id: OWN, label: "Your own" }];
    for (const { id, label } of entries) {
      const input = make("input", { type: "radio", name: "filter", value: id });
      const canvas = make("canvas", { width: String(WIDTH), height: "74", "aria-hidden": "true" });
      input.addEventListener("change", () => choose(id));
      container.append(make("label", { class: "tile" }, input, canvas, make("span", {}, label)));
      this.#tiles.set(id, { input, canvas });
    }
  }

  choose(id: string): void {
    const tile = this.#tiles.get(id);
    if (tile === undefined || tile.input.checked) return;
    tile.input.checked = true;
  }

  /** Shows the picture at hand on the visitor's own tile. */
  mirror(picture: HTMLCanvasElement): void {
    const canvas = this.#tiles.get(OWN)?.canvas;
    if (canvas === undefined) return;
    canvas.height = Math.round((WIDTH * picture.height) / picture.width);
    brush(canvas).drawImage(picture, 0, 0, canvas.width, canvas.height);
  }

  /** Draws the tiles anew, from a small copy of the picture. Stops early if there is a newer picture. */
  async draw(
    engine: Engine,
    pixels: ImageData,
    own: readonly Kernel[],
    settings: Settings,
    current: () => boolean,
  ): Promise<void> {
    const height = Math.max(5, Math.round((WIDTH * pixels.height) / pixels.width));
    const small = pixelsOf(await createImageBitmap(pixels), WIDTH, Math.min(height, 2 * WIDTH));
    const tensor = image.toTensor(engine, small, { color: "grey" });
    try {
      const input = { height: small.height, width: WIDTH, channels: 1, values: new Float32Array() };
      for (const [id, { canvas }] of this.#tiles) {
        if (!current()) return;
        const kernels = id === OWN ? own : (catalogue.find((entry) => entry.id === id)?.kernels(3) ?? []);
        const { output } = await compute(engine, tensor, input, {
          ...settings,
          kernels,
          stride: 1,
          dilation: 1,
          padding: "same",
          bias: 0,
          activation: "identity",
          pool: "none",
        });
        canvas.width = output.width;
        canvas.height = output.height;
        brush(canvas).putImageData(render(output, shade(output, "auto", kernels)), 0, 0);
      }
    } finally {
      tensor.dispose();
    }
  }
}
