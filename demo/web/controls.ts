import type { LensletError } from "lenslet";
import { catalogue, entryOf, opening, OWN } from "./catalogue.ts";
import type { StepError } from "./compute.ts";
import { element } from "./dom.ts";
import { choiceField, complain, type Field, numberField, Segments } from "./fields.ts";
import { KernelGrid } from "./kernel-grid.ts";
import { negated, normalised, resized, showWeight, sumOf, turned } from "./kernels.ts";
import { activationNames } from "./lens.ts";
import type { Activation, Kernel, Settings } from "./settings.ts";

/** The form: knows the settings, and where to say what is wrong with them. */
export class Controls {
  readonly #changed: (settings: Settings) => void;
  readonly #grid: KernelGrid;
  readonly #kernelSize: Segments;
  readonly #colour: Segments;
  readonly #pool: Segments;
  readonly #fields: Readonly<Record<FieldName, Field>>;
  readonly #kernelBox = element("kernel", HTMLElement);
  readonly #kernelError = element("kernel-error", HTMLElement);
  readonly #kernelNote = element("kernel-note", HTMLElement);
  readonly #kernelSum = element("kernel-sum", HTMLElement);
  #settings: Settings = opening;

  constructor(changed: (settings: Settings) => void) {
    this.#changed = changed;
    element("controls", HTMLFormElement).addEventListener("submit", (event) => event.preventDefault());

    this.#kernelSize = new Segments(
      element("kernel-size", HTMLElement),
      [
        ["3", "3 × 3"],
        ["5", "5 × 5"],
      ],
      (size) => this.#resize(Number(size)),
    );
    this.#grid = new KernelGrid(this.#kernelBox, (kernel) => this.#own(kernel));
    this.#button("kernel-turn", turned);
    this.#button("kernel-negate", negated);
    this.#button("kernel-normalise", (kernel) => normalised(kernel) ?? kernel);
    element("reset", HTMLButtonElement).addEventListener("click", () => this.set(opening));

    const numbers = (id: FieldName, label: string, min: number) =>
      numberField(id, label, { min, change: () => this.#read() });
    this.#fields = {
      stride: numbers("stride", "Stride", 1),
      dilation: numbers("dilation", "Dilation", 1),
      padding: choiceField(
        "padding",
        "Padding",
        [
          ["same", "same"],
          ["same-lower", "same-lower"],
          ["valid", "valid: none"],
          ["pixels", "pixels of zero"],
        ],
        () => this.#read(),
      ),
      paddingPixels: numbers("paddingPixels", "Pixels", 0),
      bias: numberField("bias", "Bias", { step: 10, change: () => this.#read() }),
      activation: choiceField("activation", "Activation", Object.entries(activationNames), () => this.#read()),
      poolSize: numbers("poolSize", "Pool size", 1),
      poolStride: numbers("poolStride", "Pool stride", 1),
    };
    const { stride, dilation, padding, paddingPixels, bias, activation, poolSize, poolStride } = this.#fields;
    this.#colour = new Segments(
      element("colour", HTMLElement),
      [
        ["grey", "Grey"],
        ["colour", "Colour"],
      ],
      (colour) => this.#update({ colour: colour === "grey" ? "grey" : "colour" }),
    );
    this.#pool = new Segments(
      element("pool", HTMLElement),
      [
        ["none", "None"],
        ["max", "Max"],
        ["avg", "Average"],
        ["l2", "L2"],
      ],
      (pool) => this.#update({ pool: pool === "max" || pool === "avg" || pool === "l2" ? pool : "none" }),
    );
    element("convolution-fields", HTMLElement).append(
      ...[stride, dilation, padding, paddingPixels, bias, activation].map(({ root }) => root),
    );
    element("pool-fields", HTMLElement).append(poolSize.root, poolStride.root);
    this.#show();
  }

  get settings(): Settings {
    return this.#settings;
  }

  /** Takes settings over and shows them. */
  set(settings: Settings): void {
    this.#settings = settings;
    this.#show();
    this.#changed(settings);
  }

  /** Takes a filter over, in the present size if the filter comes in any size. */
  choose(id: string): void {
    const kernels = entryOf(id)?.kernels(this.#settings.kernels[0]?.size ?? 3);
    this.set({ ...this.#settings, filter: id, kernels: kernels ?? this.#settings.kernels.slice(0, 1) });
  }

  /** Says beside the control at fault what the engine said; undefined: all is well. */
  complain(error: StepError | undefined): void {
    for (const field of Object.values(this.#fields)) field.complain(undefined);
    complain(this.#kernelBox, this.#kernelError, undefined);
    if (error === undefined) return;
    const field = this.#at(error.step, error.cause);
    if (field === undefined) complain(this.#kernelBox, this.#kernelError, error.message);
    else field.complain(error.message);
  }

  /** The engine names its argument; both steps have a stride, and this form other words for some. */
  #at(step: StepError["step"], { argument = "" }: LensletError): Field | undefined {
    const { stride, padding, paddingPixels, dilation, bias, activation, poolSize, poolStride } = this.#fields;
    if (step === "pooling") return argument === "stride" ? poolStride : poolSize;
    const pad = this.#settings.padding === "pixels" ? paddingPixels : padding;
    const fields: Readonly<Record<string, Field>> = { stride, dilation, bias, activation, padding: pad };
    return fields[argument];
  }

  #read(): void {
    const { stride, dilation, padding, paddingPixels, bias, activation, poolSize, poolStride } = this.#fields;
    const number = ({ control }: Field) => (control.value.trim() === "" ? Number.NaN : Number(control.value));
    const kind = padding.control.value;
    this.#update({
      stride: number(stride),
      dilation: number(dilation),
      padding: kind === "valid" || kind === "same" || kind === "same-lower" ? kind : "pixels",
      paddingPixels: number(paddingPixels),
      bias: number(bias),
      activation: activation.control.value as Activation,
      poolSize: number(poolSize),
      poolStride: number(poolStride),
    });
  }

  #update(part: Partial<Settings>): void {
    this.set({ ...this.#settings, ...part });
  }

  #own(kernel: Kernel): void {
    if (!this.#grid.complete) {
      complain(this.#kernelBox, this.#kernelError, "One weight is not a number yet: type one such as −2, 0.5 or 1/9.");
      return;
    }
    this.#update({ filter: OWN, kernels: [kernel] });
  }

  #resize(size: number): void {
    const { filter, kernels } = this.#settings;
    const fitting = entryOf(filter)?.kernels(size);
    if (fitting?.[0]?.size === size) this.#update({ kernels: fitting });
    else this.#update({ filter: OWN, kernels: kernels.slice(0, 1).map((kernel) => resized(kernel, size)) });
  }

  #button(id: string, change: (kernel: Kernel) => Kernel): void {
    element(id, HTMLButtonElement).addEventListener("click", () => {
      const [kernel] = this.#settings.kernels;
      if (kernel !== undefined) this.#update({ filter: OWN, kernels: [change(kernel)] });
    });
  }

  #show(): void {
    const settings = this.#settings;
    const { padding, activation, ...numbers } = this.#fields;
    for (const name of ["stride", "dilation", "paddingPixels", "bias", "poolSize", "poolStride"] as const) {
      const { control } = numbers[name];
      if (document.activeElement !== control && !Number.isNaN(settings[name])) control.value = String(settings[name]);
    }
    padding.control.value = settings.padding;
    activation.control.value = settings.activation;
    numbers.paddingPixels.root.hidden = settings.padding !== "pixels";
    numbers.poolSize.root.hidden = numbers.poolStride.root.hidden = settings.pool === "none";
    this.#colour.value = settings.colour;
    this.#pool.value = settings.pool;

    const [kernel] = settings.kernels;
    if (kernel === undefined) return;
    this.#kernelSize.value = String(kernel.size);
    this.#grid.show(kernel);
    const sum = sumOf(kernel);
    this.#kernelSum.textContent = `sum ${showWeight(Math.abs(sum) < 1e-6 ? 0 : sum)}`;
    element("kernel-normalise", HTMLButtonElement).disabled = normalised(kernel) === undefined;
    this.#kernelNote.textContent =
      catalogue.find(({ id }) => id === settings.filter)?.note ?? "Your own: whatever you type.";
  }
}

type FieldName =
  | "stride"
  | "dilation"
  | "padding"
  | "paddingPixels"
  | "bias"
  | "activation"
  | "poolSize"
  | "poolStride";
