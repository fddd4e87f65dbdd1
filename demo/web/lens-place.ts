import type { Result } from "./compute.ts";
import { element } from "./dom.ts";
import { Segments } from "./fields.ts";
import { type Axis, convolutionGeometry, outputAt, reach, windowStart } from "./geometry.ts";
import { LensView } from "./lens.ts";
import { readingAt } from "./reading.ts";
import { type Point, Stage } from "./stage.ts";

/** Where the lens is, on both pictures, and what it shows. Moved by pointer, by keys and by typing. */
export class LensPlace {
  readonly input: Stage;
  readonly output: Stage;
  readonly #summary = element("lens-summary", HTMLElement);
  readonly #view = new LensView(element("lens", HTMLElement), this.#summary);
  readonly #x = element("lens-x", HTMLInputElement);
  readonly #y = element("lens-y", HTMLInputElement);
  readonly #channels = element("lens-channel", HTMLElement);
  readonly #channelChoice: Segments;
  #result: Result | undefined;
  /** The middle of the lens in the input, as a part of its width and height: it outlives a change of stride or picture. */
  #across = 0.31;
  #down = 0.385;
  #channel = 1;
  #held = false;
  #pending = false;

  /** Moves made with keys are told to `announce`: who uses them may not see the figures change. */
  constructor(announce: (text: () => string) => void) {
    const inputView = element("input-view", HTMLElement);
    this.input = new Stage(inputView, (point) => this.#pointed(point, "input"));
    this.output = new Stage(element("output-view", HTMLElement), (point) => this.#pointed(point, "output"));
    inputView.addEventListener("keydown", (event) => {
      this.#key(event);
      if (event.defaultPrevented) announce(() => this.#summary.textContent ?? "");
    });
    for (const box of [this.#x, this.#y]) {
      box.addEventListener("input", () => {
        if (!Number.isFinite(this.#x.valueAsNumber) || !Number.isFinite(this.#y.valueAsNumber)) return;
        this.#held = true;
        this.#moveTo(this.#x.valueAsNumber, this.#y.valueAsNumber);
      });
    }
    this.#channelChoice = new Segments(
      this.#channels,
      [
        ["0", "Red"],
        ["1", "Green"],
        ["2", "Blue"],
      ],
      (channel) => {
        this.#channel = Number(channel);
        this.#draw();
      },
    );
    this.#channelChoice.value = "1";
  }

  /** Reads from this result from now on. */
  show(result: Result): void {
    this.#result = result;
    this.#channels.hidden = result.input.channels === 1;
    this.#draw();
  }

  #pointed({ x, y, pressed }: Point, on: "input" | "output"): void {
    const result = this.#result;
    if (result === undefined || (this.#held && !pressed)) return;
    const [vertical, horizontal] = this.#axes(result);
    const { pool, poolSize, poolStride } = result.settings;
    const before = this.#place(result);
    if (on === "input") {
      this.#centre(x + 0.5, y + 0.5, result);
    } else {
      const back = (at: number) => (pool === "none" ? at : at * poolStride + ((poolSize - 1) >> 1));
      this.#centre(middle(horizontal, back(x)), middle(vertical, back(y)), result);
    }
    const after = this.#place(result);
    if (pressed) this.#held = !(this.#held && before.x === after.x && before.y === after.y);
    this.#soon();
  }

  #key(event: KeyboardEvent): void {
    const result = this.#result;
    if (result === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    const far = event.shiftKey ? 10 : 1;
    const { x, y } = this.#place(result);
    switch (event.key) {
      case "ArrowLeft":
        this.#moveTo(x - far, y);
        break;
      case "ArrowRight":
        this.#moveTo(x + far, y);
        break;
      case "ArrowUp":
        this.#moveTo(x, y - far);
        break;
      case "ArrowDown":
        this.#moveTo(x, y + far);
        break;
      case "Home":
        this.#moveTo(0, 0);
        break;
      case "End":
        this.#moveTo(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
        break;
      case "Enter":
      case " ":
        this.#held = !this.#held;
        this.#draw();
        event.preventDefault();
        return;
      case "Escape":
        this.#held = false;
        this.#draw();
        return;
      default:
        return;
    }
    this.#held = true;
    event.preventDefault();
  }

  #moveTo(x: number, y: number): void {
    const result = this.#result;
    if (result === undefined) return;
    const [vertical, horizontal] = this.#axes(result);
    this.#centre(middle(horizontal, within(x, horizontal)), middle(vertical, within(y, vertical)), result);
    this.#draw();
  }

  #centre(x: number, y: number, { input }: Result): void {
    this.#across = x / input.width;
    this.#down = y / input.height;
  }

  #place(result: Result): { x: number; y: number } {
    const [vertical, horizontal] = this.#axes(result);
    const { input } = result;
    return {
      x: outputAt(horizontal, this.#across * input.width - 0.5),
      y: outputAt(vertical, this.#down * input.height - 0.5),
    };
  }

  #axes({ settings, input }: Result): readonly [Axis, Axis] {
    return convolutionGeometry(settings, input.height, input.width);
  }

  /** Pointers report more often than a screen draws. */
  #soon(): void {
    if (this.#pending) return;
    this.#pending = true;
    requestAnimationFrame(() => {
      this.#pending = false;
      this.#draw();
    });
  }

  #draw(): void {
    const result = this.#result;
    if (result === undefined) return;
    const { x, y } = this.#place(result);
    const channel = result.input.channels === 1 ? 0 : this.#channel;
    const reading = readingAt(result, x, y, channel);
    this.#view.show(reading, result.settings);
    this.input.frame(reading.window, this.#held);
    const { pooled } = reading;
    this.output.frame({ x: pooled?.x ?? x, y: pooled?.y ?? y, width: 1, height: 1 }, this.#held);

    this.#x.max = String(result.convolved.width - 1);
    this.#y.max = String(result.convolved.height - 1);
    if (document.activeElement !== this.#x) this.#x.value = String(x);
    if (document.activeElement !== this.#y) this.#y.value = String(y);
  }
}

/** The middle of an output's window in the input, in pixels from the picture's edge. */
function middle(axis: Axis, output: number): number {
  return windowStart(axis, output) + reach(axis) / 2;
}

function within(at: number, { output }: Axis): number {
  return Math.min(output - 1, Math.max(0, Math.round(at)));
}
