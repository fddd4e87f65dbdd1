import { type Engine, LensletError } from "lenslet";
import { announce, announceNow } from "../announce.ts";
import { element } from "../dom.ts";
import { isFatal } from "../engine.ts";
import { Segments } from "../fields.ts";
import type { Surroundings } from "../filter-view.ts";
import { Latest } from "../latest.ts";
import type { Picture } from "../picture.ts";
import { Timings } from "../timings.ts";
import { figure } from "../tones.ts";
import type { View } from "../views.ts";
import { AnswerPanel, first } from "./answer-panel.ts";
import { FeatureMaps, type Order, rangeOf, type Scale } from "./feature-maps.ts";
import { LayerList } from "./layer-list.ts";
import { type Layer, layersOf, sightOf, sizeOf, storyOf } from "./layers.ts";
import { type Loaded, LoadedNetworks } from "./loaded-networks.ts";
import { MapSheet } from "./map-sheet.ts";
import { type Network, type NetworkId, networks } from "./network.ts";
import { type MapPlace, NetworkStage } from "./network-stage.ts";

/** Trained networks: what they say of the picture, and what each of their layers sees. */
export class NetworksView implements View {
  readonly #around: Surroundings;
  readonly #latest = new Latest(() => this.#refresh());
  readonly #timings = new Timings(element("network-time", HTMLElement));
  readonly #stage = new NetworkStage((place) => this.#read(place));
  readonly #panel = new AnswerPanel(() => this.#tryAgain());
  readonly #list = new LayerList((layer) => this.#chooseLayer(layer));
  readonly #sheet = new MapSheet((channel) => this.#chooseMap(channel));
  readonly #reading = element("network-reading", HTMLElement);
  readonly #mapsNote = element("maps-note", HTMLElement);
  readonly #story = element("maps-story", HTMLElement);
  readonly #mapOff = element("map-off", HTMLButtonElement);
  readonly #models = new LoadedNetworks((network, loaded) => {
    if (network === this.#network) this.#panel.progress(loaded, network);
  });
  readonly #choice: Segments;
  #network: Network = networks.classify;
  #order: Order = "channel";
  #scale: Scale = "layer";
  /** Layers and the one chosen, network by network. */
  readonly #layers = new Map<NetworkId, readonly Layer[]>();
  readonly #layer = new Map<NetworkId, Layer>();
  /** Networks that could not be loaded: not tried again until somebody asks for it. */
  readonly #failed = new Set<NetworkId>();
  #labels: readonly string[] = [];
  #answered: { readonly picture: Picture; readonly network: Network } | undefined;
  #maps: { readonly picture: Picture; readonly maps: FeatureMaps } | undefined;
  #channel: number | undefined;
  #revived = false;

  constructor(around: Surroundings) {
    this.#around = around;
    const options = Object.values(networks).map(({ id, choice }) => [id, choice] as const);
    this.#choice = new Segments(element("network", HTMLElement), options, (id) => this.#use(networks[id as NetworkId]));
    const order = new Segments(
      element("map-order", HTMLElement),
      [
        ["channel", "In order"],
        ["strength", "Strongest first"],
      ],
      (value) => this.#redraw({ order: value as Order }),
    );
    const scale = new Segments(
      element("map-scale", HTMLElement),
      [
        ["layer", "One scale"],
        ["map", "Each its own"],
      ],
      (value) => this.#redraw({ scale: value as Scale }),
    );
    order.value = this.#order;
    scale.value = this.#scale;
    this.#mapOff.addEventListener("click", () => this.#chooseMap(undefined));
    this.#use(this.#network);
  }

  ask(): void {
    if (this.#around.isShown()) this.#latest.ask();
  }

  #use(network: Network): void {
    this.#network = network;
    this.#choice.value = network.id;
    this.#failed.delete(network.id);
    this.#answered = undefined;
    this.#chooseMap(undefined);
    this.#maps = undefined;
    this.#stage.mark([]);
    this.#list.show([], undefined);
    this.#sheet.clear();
    this.#mapsNote.textContent = this.#story.textContent = "";
    this.#panel.introduce(network);
    this.ask();
  }

  #tryAgain(): void {
    this.#failed.clear();
    this.#panel.complain(undefined);
    this.ask();
  }

  /** One run: the answer to the picture at hand, and the maps of the chosen layer, unless they are there. */
  async #refresh(): Promise<void> {
    const { bench, chip } = this.#around;
    const { picture } = bench;
    const network = this.#network;
    if (picture === undefined) return;
    this.#stage.draw(picture.pixels, network.input.region(picture.pixels), network.size);
    let engine: Engine | undefined;
    try {
      engine = await bench.engine;
      chip.well();
      const loaded = this.#models.in(engine, network);
      if (loaded === undefined) void this.#load(engine, network);
      else {
        await this.#answer(loaded, network, picture);
        await this.#look(loaded, network, picture);
        this.#revived = false;
      }
    } catch (error) {
      await this.#fail(error, engine);
    }
    this.#follow();
  }

  /** Beside the runs, so that another network can be used while this one is on its way. */
  async #load(engine: Engine, network: Network): Promise<void> {
    const { id } = network;
    if (this.#failed.has(id) || this.#models.isComing(network)) return;
    this.#panel.progress(0, network);
    try {
      const [{ model }, labels] = await Promise.all([this.#models.bring(engine, network), network.labels()]);
      if (labels.length > 0) this.#labels = labels;
      if (!this.#layers.has(id)) this.#layers.set(id, layersOf(model.summary()));
    } catch (error) {
      this.#failed.add(id);
      if (network === this.#network) await this.#fail(error, engine);
    }
    this.ask();
  }

  async #answer(loaded: Loaded, network: Network, picture: Picture): Promise<void> {
    const start = performance.now();
    const answer = await network.answer(loaded.engine, loaded.model, picture.pixels);
    const milliseconds = performance.now() - start;
    if (network !== this.#network) return;
    const { live } = this.#around.sources;
    this.#timings.add(milliseconds, live ? undefined : picture, network);
    const again = this.#answered?.picture === picture && this.#answered.network === network;
    this.#answered = { picture, network };
    if (again) return;
    this.#panel.complain(undefined);
    this.#panel.describe(loaded, network);
    const sentence = this.#panel.show(answer);
    this.#stage.mark(answer.kind === "faces" ? answer.faces : []);
    if (!live) announce(() => `${network.name}: ${sentence}`);
  }

  async #look({ engine, model }: Loaded, network: Network, picture: Picture): Promise<void> {
    if (network !== this.#network) return;
    const layers = this.#layers.get(network.id) ?? [];
    const layer = this.#layer.get(network.id) ?? layers.find(({ op }) => op === "Conv");
    this.#list.show(layers, layer);
    if (layer === undefined || (this.#maps?.picture === picture && this.#maps.maps.layer === layer)) return;
    const input = network.input.tensor(engine, picture.pixels);
    try {
      const { [layer.name]: map } = await model.activations([layer.name], input);
      if (map === undefined) throw new Error(`the network has no layer ${layer.name}`);
      const values = await map.data();
      map.dispose();
      if (network !== this.#network || this.#isAnother(layer)) return;
      this.#show(new FeatureMaps(layer, values), picture);
    } finally {
      input.dispose();
    }
  }

  /** Whether the visitor has chosen another layer meanwhile. */
  #isAnother(layer: Layer): boolean {
    const chosen = this.#layer.get(this.#network.id);
    return chosen !== undefined && chosen !== layer;
  }

  #show(maps: FeatureMaps, picture: Picture): void {
    const { layer } = maps;
    const another = this.#maps?.maps.layer !== layer;
    this.#maps = { picture, maps };
    this.#sheet.show(maps, this.#order, this.#scale);
    const { size } = this.#network;
    const number = layer.height === 1 && layer.width === 1 ? `${layer.count} numbers` : `${sizeOf(layer)} values`;
    this.#mapsNote.textContent = `${layer.op}: ${number}; ${sightOf(layer, size)}`;
    this.#story.textContent = storyOf(layer, size);
    // Channels of different layers have nothing to do with each other: whoever walks through the depth sees the strongest.
    if (another && this.#channel !== undefined) this.#chooseMap(maps.channels("strength")[0]);
    else this.#lay();
    if (!this.#around.sources.live && another) announce(() => `${layer.label}: ${sizeOf(layer)}`);
  }

  #chooseLayer(layer: Layer): void {
    this.#layer.set(this.#network.id, layer);
    this.ask();
  }

  #chooseMap(channel: number | undefined): void {
    this.#channel = channel;
    this.#sheet.mark(channel);
    this.#lay();
    if (channel !== undefined) announce(() => this.#reading.textContent ?? "");
  }

  #redraw({ order = this.#order, scale = this.#scale }: { readonly order?: Order; readonly scale?: Scale }): void {
    this.#order = order;
    this.#scale = scale;
    if (this.#maps !== undefined) this.#sheet.show(this.#maps.maps, order, scale);
    this.#lay();
  }

  #lay(): void {
    const channel = this.#channel;
    const maps = channel === undefined ? undefined : this.#maps?.maps;
    this.#mapOff.disabled = maps === undefined;
    this.#reading.textContent = "";
    this.#stage.lay(maps, channel, this.#scale);
    if (this.#reading.textContent === "") this.#reading.textContent = this.#words();
  }

  /** The chosen map in words; with a place, what is there. */
  #words(place?: MapPlace): string {
    const maps = this.#maps?.maps;
    if (maps === undefined || this.#channel === undefined) return "Choose a map to lay it over the picture.";
    const values = maps.of(this.#channel);
    const { count, width, op } = maps.layer;
    const label =
      op === "Gemm" && this.#labels.length === count ? ` (${first(this.#labels[this.#channel] ?? "")})` : "";
    const name = `Channel ${this.#channel} of ${count}${label}`;
    if (place !== undefined) {
      const value = values[place.row * width + place.column] ?? 0;
      return `${name}: ${figure(value)} at column ${place.column}, row ${place.row}; framed: what it sees`;
    }
    const [low, high] = rangeOf(values);
    return low === high ? `${name}: ${figure(low)}` : `${name}: ${figure(low)} to ${figure(high)}`;
  }

  #read(place: MapPlace): void {
    this.#reading.textContent = this.#words(place);
  }

  /** What comes after a run: the camera's next frame, or the same once more for the clock. */
  #follow(): void {
    const { sources, isShown } = this.#around;
    if (this.#latest.waiting || !isShown()) return;
    if (sources.live) void sources.next();
    else if (this.#answered !== undefined && this.#timings.wantsMore) setTimeout(() => this.ask(), 30);
  }

  async #fail(error: unknown, engine: Engine | undefined): Promise<void> {
    if (engine === undefined) this.#around.chip.failed(error);
    if (engine !== undefined && isFatal(error)) {
      await this.#around.bench.discard(engine);
      this.#answered = undefined;
      // Once by itself; an engine that is lost again and again is for the visitor to know of.
      if (!this.#revived) {
        this.#revived = true;
        this.#failed.delete(this.#network.id);
        this.ask();
        return;
      }
    }
    const text = error instanceof LensletError || error instanceof Error ? error.message : String(error);
    this.#answered = undefined;
    // What was not there when the page was built will not be there now.
    this.#panel.complain(text, this.#network.address !== undefined);
    announceNow(text);
  }
}
