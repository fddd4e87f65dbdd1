import { make } from "./dom.ts";
import { type Axis, type Geometry, reach } from "./geometry.ts";

/** A step's two size formulas, with the numbers filled in and each number named. */
export function formulas(title: string, [vertical, horizontal]: Geometry): HTMLElement {
  return make(
    "div",
    { class: "formulas" },
    make("h3", {}, title),
    line(vertical, "outH", ["height", "top", "bottom"]),
    line(horizontal, "outW", ["width", "left", "right"]),
  );
}

/** The same as plain text: `outH = floor((300 + 1 + 1 − 3) / 1) + 1 = 300`. */
export function formulaText({ input, before, after, stride, output, ...rest }: Axis, name: string): string {
  return `${name} = floor((${input} + ${before} + ${after} − ${reach(rest)}) / ${stride}) + 1 = ${output}`;
}

const MATHML = "http://www.w3.org/1998/Math/MathML";

function line(axis: Axis, name: string, [size, first, last]: readonly [string, string, string]): HTMLElement {
  const { input, before, after, kernel, stride, dilation, output } = axis;
  const span = reach(axis);
  const padded = tag(
    "mrow",
    named(input, size),
    leaf("mo", "+"),
    named(before, first),
    leaf("mo", "+"),
    named(after, last),
    leaf("mo", "−"),
    named(span, dilation === 1 ? "kernel" : "reach"),
  );
  const math = tag(
    "math",
    leaf("mi", name),
    leaf("mo", "="),
    // A row of their own: only then do the brackets grow with the fraction.
    tag("mrow", leaf("mo", "⌊"), tag("mfrac", padded, named(stride, "stride")), leaf("mo", "⌋")),
    leaf("mo", "+"),
    leaf("mn", "1"),
    leaf("mo", "="),
    result(output),
  );
  math.setAttribute("display", "block");
  math.setAttribute("aria-hidden", "true");
  const root = make("div", { class: "formula-line" }, math, make("code", {}, formulaText(axis, name)));
  if (dilation > 1) root.append(make("p", { class: "hint" }, `reach = ${dilation} · (${kernel} − 1) + 1 = ${span}`));
  return root;
}

/** A number with its name written small below it. */
function named(value: number, name: string): Element {
  const label = leaf("mtext", name);
  label.setAttribute("class", "name");
  return tag("munder", leaf("mn", String(value)), label);
}

function result(value: number): Element {
  const number = leaf("mn", String(value));
  number.setAttribute("class", "result");
  return number;
}

function leaf(name: string, text: string): Element {
  const made = tag(name);
  made.textContent = text;
  return made;
}

function tag(name: string, ...children: readonly Element[]): Element {
  const made = document.createElementNS(MATHML, name);
  made.append(...children);
  return made;
}
