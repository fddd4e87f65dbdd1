import { make } from "./dom.ts";

/** A labelled control with a place for what is wrong with it. */
export interface Field {
  readonly root: HTMLElement;
  readonly control: HTMLInputElement | HTMLSelectElement;
  complain(text: string | undefined): void;
}

/**
 * A number with buttons to step it. Whatever is typed is handed on, also what makes no sense:
 * the engine's own words then appear beside the field.
 */
export function numberField(
  id: string,
  label: string,
  { min, step = 1, change }: { min?: number; step?: number; change: () => void },
): Field {
  const control = make("input", { type: "number", id, step: String(step), inputmode: "numeric", value: "1" });
  if (min !== undefined) control.min = String(min);
  control.addEventListener("input", change);
  const stepper = (by: number, sign: string) => {
    const button = make("button", { type: "button", class: "step", tabindex: "-1", "aria-hidden": "true" }, sign);
    button.addEventListener("click", () => {
      control.value = String(Math.max(min ?? Number.NEGATIVE_INFINITY, Math.round((control.valueAsNumber || 0) + by)));
      change();
    });
    return button;
  };
  return field(
    id,
    label,
    control,
    make("span", { class: "stepper" }, stepper(-step, "−"), control, stepper(step, "+")),
  );
}

/** A choice from a list. */
export function choiceField(
  id: string,
  label: string,
  options: readonly (readonly [value: string, label: string])[],
  change: () => void,
): Field {
  const control = make("select", { id }, ...options.map(([value, text]) => make("option", { value }, text)));
  control.addEventListener("change", change);
  return field(id, label, control, control);
}

function field(id: string, label: string, control: Field["control"], box: HTMLElement): Field {
  const error = make("p", { class: "error", id: `${id}-error` });
  error.hidden = true;
  const root = make("div", { class: "field" }, make("label", { for: id }, label), box, error);
  return { root, control, complain: (text) => complain(control, error, text) };
}

/** Shows what is wrong beside a control, and tells it to those who cannot see it. */
export function complain(control: HTMLElement, error: HTMLElement, text: string | undefined): void {
  error.hidden = text === undefined;
  if (error.textContent !== (text ?? "")) error.textContent = text ?? "";
  if (text === undefined) {
    control.removeAttribute("aria-invalid");
    if (control.getAttribute("aria-describedby") === error.id) control.removeAttribute("aria-describedby");
  } else {
    control.setAttribute("aria-invalid", "true");
    if (!control.hasAttribute("aria-describedby")) control.setAttribute("aria-describedby", error.id);
  }
}

/** A row of radio buttons that looks like one control. */
export class Segments {
  readonly #inputs: readonly HTMLInputElement[];

  constructor(
    container: HTMLElement,
    options: readonly (readonly [value: string, label: string])[],
    change: (value: string) => void,
  ) {
    this.#inputs = options.map(([value, label]) => {
      const input = make("input", { type: "radio", name: container.id, value });
      input.addEventListener("change", () => change(value));
      container.append(make("label", {}, input, make("span", {}, label)));
      return input;
    });
  }

  set value(value: string) {
    for (const input of this.#inputs) input.checked = input.value === value;
  }

  set disabled(disabled: boolean) {
    for (const input of this.#inputs) input.disabled = disabled;
  }
}
