import { brush } from "./dom.ts";
import type { Rect } from "./reading.ts";

/** Where the pointer is, in pixels of the picture. */
export interface Point {
  readonly x: number;
  readonly y: number;
  /** Pressed, or only passing over. */
  readonly pressed: boolean;
}

/** A picture with the lens's frame on it. */
export class Stage {
  readonly #view: HTMLElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #ring: HTMLElement;

  constructor(view: HTMLElement, point: (point: Point) => void) {
    const canvas = view.querySelector("canvas");
    const ring = view.querySelector<HTMLElement>(".ring");
    if (canvas === null || ring === null) throw new Error("a stage needs a canvas and a ring");
    this.#view = view;
    this.#canvas = canvas;
    this.#context = brush(canvas);
    this.#ring = ring;

    const tell = (event: PointerEvent, pressed: boolean) => {
      const box = canvas.getBoundingClientRect();
      const x = Math.floor(((event.clientX - box.left) / box.width) * canvas.width);
      const y = Math.floor(((event.clientY - box.top) / box.height) * canvas.height);
      if (x >= 0 && y >= 0 && x < canvas.width && y < canvas.height) point({ x, y, pressed });
    };
    view.addEventListener("pointerdown", (event) => {
      if (event.button === 0) tell(event, true);
    });
    // A finger has no way to pass over without pressing.
    view.addEventListener("pointermove", (event) => tell(event, event.pointerType === "touch" || event.buttons === 1));
  }

  draw(pixels: ImageData): void {
    const { width, height } = pixels;
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
      this.#view.style.setProperty("--aspect", String(width / height));
    }
    this.#context.putImageData(pixels, 0, 0);
  }

  /** Frames some pixels; a frame smaller than a finger can see is drawn larger, about the same middle. */
  frame({ x, y, width, height }: Rect, held: boolean): void {
    const { width: all, height: tall } = this.#canvas;
    const percent = (part: number, whole: number) => `${(100 * part) / whole}%`;
    this.#ring.hidden = false;
    this.#ring.toggleAttribute("data-held", held);
    this.#ring.style.left = percent(x + width / 2, all);
    this.#ring.style.top = percent(y + height / 2, tall);
    this.#ring.style.width = percent(width, all);
    this.#ring.style.height = percent(height, tall);
  }

  unframe(): void {
    this.#ring.hidden = true;
  }
}
