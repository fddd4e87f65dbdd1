import type { Region } from "lenslet";
import type { Face } from "../../models/faces.ts";
import { brush, element } from "../dom.ts";
import type { Rect } from "../reading.ts";
import { type Point, Stage } from "../stage.ts";
import { paint } from "./colours.ts";
import type { FeatureMaps, Scale } from "./feature-maps.ts";

/** One of the map's places. */
export interface MapPlace {
  readonly column: number;
  readonly row: number;
}

/** The picture that a network looks at, with a map or faces laid over it. */
export class NetworkStage {
  readonly #view = element("network-view", HTMLButtonElement);
  readonly #map = element("network-map", HTMLCanvasElement);
  readonly #faces = element("network-faces", SVGSVGElement);
  readonly #seen: HTMLElement;
  readonly #size = element("network-size", HTMLElement);
  readonly #strength = element("map-strength", HTMLInputElement);
  readonly #stage: Stage;
  readonly #pointed: (place: MapPlace) => void;
  #picture: ImageData | undefined;
  #region: Region = { left: 0, top: 0, width: 1, height: 1 };
  #inputSize = 1;
  #maps: FeatureMaps | undefined;
  #place: MapPlace | undefined;

  constructor(pointed: (place: MapPlace) => void) {
    this.#pointed = pointed;
    this.#stage = new Stage(this.#view, (point) => this.#at(point));
    const seen = this.#view.querySelector<HTMLElement>(".seen");
    if (seen === null) throw new Error("the stage needs a frame");
    this.#seen = seen;
    this.#view.addEventListener("keydown", (event) => this.#key(event));
    const strength = (): void => this.#map.style.setProperty("opacity", String(this.#strength.valueAsNumber / 100));
    this.#strength.addEventListener("input", strength);
    strength();
  }

  /** Draws the picture, and frames the region that the network sees, a square of `inputSize` to it, if that is not all. */
  draw(picture: ImageData, region: Region, inputSize: number): void {
    this.#region = region;
    this.#inputSize = inputSize;
    if (this.#picture !== picture) {
      this.#picture = picture;
      this.#stage.draw(picture);
      this.#size.textContent = `${picture.width} × ${picture.height}`;
    }
    const { left, top, width, height } = region;
    this.#seen.hidden = left <= 0 && top <= 0 && left + width >= picture.width && top + height >= picture.height;
    for (const over of [this.#seen, this.#map]) cover(over, region, picture);
  }

  /** Lays a map over the part of the picture that it was made of; undefined takes it off. */
  lay(maps: FeatureMaps | undefined, channel = 0, scale: Scale = "layer"): void {
    this.#maps = maps;
    this.#map.hidden = maps === undefined;
    this.#strength.disabled = maps === undefined;
    if (maps === undefined) {
      this.#place = undefined;
      this.#stage.unframe();
      return;
    }
    const { width, height } = maps.layer;
    const image = new ImageData(width, height);
    paint(maps.of(channel), width, maps.white(channel, scale), new Uint32Array(image.data.buffer), 0, width);
    this.#map.width = width;
    this.#map.height = height;
    brush(this.#map).putImageData(image, 0, 0);
    if (this.#place !== undefined) {
      const { column, row } = this.#place;
      this.#go(column, row);
    }
  }

  /** Draws boxes, and the points of eyes, nose, mouth and ears. */
  mark(faces: readonly Face[]): void {
    const { width = 1, height = 1 } = this.#picture ?? {};
    this.#faces.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.#faces.replaceChildren(
      ...faces.flatMap((face) => {
        const box = { x: face.left, y: face.top, width: face.width, height: face.height, rx: face.width / 24 };
        const dot = Math.max(face.width / 32, width / 300);
        return [
          shape("rect", { ...box, class: "under" }),
          shape("rect", { ...box, class: "box" }),
          ...face.points.map(([cx, cy]) => shape("circle", { cx, cy, r: dot, class: "point" })),
        ];
      }),
    );
  }

  #at({ x, y }: Point): void {
    const layer = this.#maps?.layer;
    if (layer === undefined) return;
    const { left, top, width, height } = this.#region;
    this.#go(
      Math.floor(((x + 0.5 - left) / width) * layer.width),
      Math.floor(((y + 0.5 - top) / height) * layer.height),
    );
  }

  /** Frames what the value at this place of the map sees, as far as it lies in the picture. */
  #go(column: number, row: number): void {
    const maps = this.#maps;
    const picture = this.#picture;
    if (maps === undefined || picture === undefined) return;
    const { layer } = maps;
    const place = { column: within(column, layer.width), row: within(row, layer.height) };
    this.#place = place;
    const { left, top, width, height } = this.#region;
    const x = left + ((place.column + 0.5) / layer.width) * width;
    const y = top + ((place.row + 0.5) / layer.height) * height;
    this.#stage.frame(clipped(x, y, this.#sight(), picture), false);
    this.#pointed(place);
  }

  /** Pixels of the picture that a value of the map sees; the network's own are of another size. */
  #sight(): readonly [width: number, height: number] {
    const [h, w] = this.#maps?.layer.sees ?? [1, 1];
    const { width, height } = this.#region;
    return [(w / this.#inputSize) * width, (h / this.#inputSize) * height];
  }

  #key(event: KeyboardEvent): void {
    const layer = this.#maps?.layer;
    if (layer === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    const { column, row } = this.#place ?? { column: layer.width >> 1, row: layer.height >> 1 };
    const far = event.shiftKey ? 10 : 1;
    const steps: Readonly<Record<string, readonly [number, number]>> = {
      ArrowLeft: [-far, 0],
      ArrowRight: [far, 0],
      ArrowUp: [0, -far],
      ArrowDown: [0, far],
    };
    const step = steps[event.key];
    if (step === undefined) return;
    this.#go(column + step[0], row + step[1]);
    event.preventDefault();
  }
}

/** Puts an element over a part of the picture. */
function cover({ style }: HTMLElement, { left, top, width, height }: Region, picture: ImageData): void {
  style.left = `${(100 * left) / picture.width}%`;
  style.top = `${(100 * top) / picture.height}%`;
  style.width = `${(100 * width) / picture.width}%`;
  style.height = `${(100 * height) / picture.height}%`;
}

function clipped(x: number, y: number, [width, height]: readonly [number, number], picture: ImageData): Rect {
  const left = Math.max(0, x - width / 2);
  const top = Math.max(0, y - height / 2);
  const right = Math.min(picture.width, x + width / 2);
  const bottom = Math.min(picture.height, y + height / 2);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

function within(index: number, size: number): number {
  return Math.min(size - 1, Math.max(0, index));
}

function shape(name: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}
