import { brush, element } from "../dom.ts";
import { figure } from "../tones.ts";
import { paint, scaleBar } from "./colours.ts";
import type { FeatureMaps, Order, Scale } from "./feature-maps.ts";
import { layOut, placeAt, type SheetLayout } from "./sheet-layout.ts";

/** Sides of the small pictures, in CSS pixels; a finger needs more than a mouse. */
const SMALLEST = matchMedia("(pointer: coarse)").matches ? 28 : 20;
const LARGEST = 150;
/** Finer screens get no finer sheets: 1,280 maps would be too many pixels. */
const FINEST = 2;

/** All maps of a layer on one canvas, to choose from. */
export class MapSheet {
  readonly #choose: (channel: number | undefined) => void;
  readonly #button = element("maps", HTMLButtonElement);
  readonly #canvas = element("map-sheet", HTMLCanvasElement);
  readonly #scroller = element("map-scroller", HTMLElement);
  readonly #ring: HTMLElement;
  readonly #bar = element("scale-bar", HTMLCanvasElement);
  readonly #low = element("scale-low", HTMLElement);
  readonly #high = element("scale-high", HTMLElement);
  readonly #note = element("scale-note", HTMLElement);
  /** The maps in their own size, side by side; the sheet is drawn from it. */
  readonly #store = document.createElement("canvas");
  /** Nothing while the sheet is not in sight. */
  #room = { width: 0, height: 0 };
  #maps: FeatureMaps | undefined;
  #order: Order = "channel";
  #scale: Scale = "layer";
  #channels: readonly number[] = [];
  #layout: SheetLayout | undefined;
  #chosen: number | undefined;

  constructor(choose: (channel: number | undefined) => void) {
    this.#choose = choose;
    const ring = this.#button.querySelector<HTMLElement>(".ring");
    if (ring === null) throw new Error("the sheet needs a ring");
    this.#ring = ring;
    this.#button.addEventListener("click", (event) => this.#clicked(event));
    this.#button.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(([entry]) => {
      const { width = 0, height = 0 } = entry?.contentRect ?? {};
      // The bars of a phone's browser come and go; that is no reason to draw anew.
      const isAnother = width !== this.#room.width;
      this.#room = { width, height };
      if (isAnother) this.#draw();
    }).observe(this.#scroller);
  }

  /** Draws maps; the sheet stays scrolled where it is if they are as many as before. */
  show(maps: FeatureMaps, order: Order, scale: Scale): void {
    const another = this.#maps?.layer !== maps.layer || this.#order !== order;
    this.#maps = maps;
    this.#order = order;
    this.#scale = scale;
    this.#channels = maps.channels(order);
    this.#draw();
    if (another) this.#scroller.scrollTop = 0;
    this.#explain(maps);
  }

  /** Takes all maps away. */
  clear(): void {
    this.#maps = undefined;
    this.#layout = undefined;
    this.#channels = [];
    this.#canvas.width = this.#canvas.height = 0;
    this.#ring.hidden = true;
    brush(this.#bar).clearRect(0, 0, this.#bar.width, 1);
    for (const each of [this.#low, this.#high, this.#note]) each.textContent = "";
  }

  /** Marks a map as chosen. */
  mark(channel: number | undefined): void {
    this.#chosen = channel;
    this.#frame();
  }

  #draw(): void {
    const maps = this.#maps;
    if (maps === undefined || this.#room.width === 0) return;
    const { count, height, width } = maps.layer;
    const layout = layOut({
      count,
      aspect: height / width,
      ...this.#room,
      smallest: SMALLEST,
      largest: LARGEST,
    });
    this.#layout = layout;
    this.#keep(maps, layout.columns);
    const fineness = Math.min(devicePixelRatio, FINEST);
    this.#canvas.width = Math.round(layout.width * fineness);
    this.#canvas.height = Math.round(layout.height * fineness);
    this.#canvas.style.width = `${layout.width}px`;
    this.#canvas.style.height = `${layout.height}px`;
    const context = brush(this.#canvas);
    const { columns, cellWidth, cellHeight, gap } = layout;
    // Pixels that are magnified keep their corners.
    context.imageSmoothingEnabled = cellWidth * fineness < width;
    context.imageSmoothingQuality = "high";
    for (let place = 0; place < count; place++) {
      const [column, row] = [place % columns, Math.floor(place / columns)];
      const [left, top] = [
        Math.round(column * (cellWidth + gap) * fineness),
        Math.round(row * (cellHeight + gap) * fineness),
      ];
      const [across, down] = [Math.round(cellWidth * fineness), Math.round(cellHeight * fineness)];
      context.drawImage(this.#store, column * width, row * height, width, height, left, top, across, down);
    }
    this.#frame();
  }

  /** Writes the maps' pixels, all at once. */
  #keep(maps: FeatureMaps, columns: number): void {
    const { count, height, width } = maps.layer;
    const all = new ImageData(columns * width, Math.ceil(count / columns) * height);
    const pixels = new Uint32Array(all.data.buffer);
    this.#channels.forEach((channel, place) => {
      const at = Math.floor(place / columns) * height * all.width + (place % columns) * width;
      paint(maps.of(channel), width, maps.white(channel, this.#scale), pixels, at, all.width);
    });
    this.#store.width = all.width;
    this.#store.height = all.height;
    brush(this.#store).putImageData(all, 0, 0);
  }

  #frame(): void {
    const layout = this.#layout;
    const place = this.#chosen === undefined ? -1 : this.#channels.indexOf(this.#chosen);
    this.#ring.hidden = layout === undefined || place < 0;
    if (layout === undefined || place < 0) return;
    const { columns, cellWidth, cellHeight, gap } = layout;
    this.#ring.style.left = `${(place % columns) * (cellWidth + gap) + cellWidth / 2}px`;
    this.#ring.style.top = `${Math.floor(place / columns) * (cellHeight + gap) + cellHeight / 2}px`;
    this.#ring.style.width = `${cellWidth}px`;
    this.#ring.style.height = `${cellHeight}px`;
  }

  #clicked(event: MouseEvent): void {
    const layout = this.#layout;
    const maps = this.#maps;
    if (layout === undefined || maps === undefined) return;
    // A key's click has no place.
    if (event.detail === 0) {
      this.#choose(this.#chosen === undefined ? this.#channels[0] : undefined);
      return;
    }
    const box = this.#canvas.getBoundingClientRect();
    const place = placeAt(layout, maps.layer.count, event.clientX - box.left, event.clientY - box.top);
    if (place === undefined) return;
    const channel = this.#channels[place];
    this.#choose(channel === this.#chosen ? undefined : channel);
  }

  #key(event: KeyboardEvent): void {
    const layout = this.#layout;
    if (layout === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    const { columns } = layout;
    const last = this.#channels.length - 1;
    const place = this.#chosen === undefined ? -1 : this.#channels.indexOf(this.#chosen);
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: place - 1,
      ArrowRight: place + 1,
      ArrowUp: place - columns,
      ArrowDown: place + columns,
      Home: 0,
      End: last,
    };
    const next = steps[event.key];
    if (event.key === "Escape") this.#choose(undefined);
    else if (next === undefined) return;
    else {
      this.#choose(this.#channels[place < 0 ? 0 : Math.min(last, Math.max(0, next))]);
      this.#ring.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    event.preventDefault();
  }

  #explain(maps: FeatureMaps): void {
    const { low, high } = maps;
    const own = this.#scale === "map";
    const top = own ? 1 : maps.white(0, "layer");
    const from = low < 0 ? -top : 0;
    const to = high > 0 || low >= 0 ? top : 0;
    brush(this.#bar).putImageData(scaleBar(from, to, top, this.#bar.width), 0, 0);
    const end = (value: number): string =>
      value === 0 ? "0" : own ? (value < 0 ? "− its largest" : "its largest") : figure(value);
    this.#low.textContent = end(from);
    this.#high.textContent = end(to);
    const sides = low < 0 ? "blue below zero, orange above" : "black is zero, nothing is below";
    this.#note.textContent = `${sides}; values ${figure(low)} to ${figure(high)}`;
  }
}
