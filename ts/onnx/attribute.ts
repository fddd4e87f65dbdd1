/** A node's attributes as operators ask for them: typed, and each asked for once, so that what nobody asked for is known. */
import { isFieldSet } from "@bufbuild/protobuf";
import { malformed, quote } from "./malformed.ts";
import { type AttributeProto, AttributeProtoSchema, type TensorProto } from "./proto/onnx_pb.ts";

/** What an attribute may be, by its number in AttributeProto.AttributeType. */
const KINDS = [
  "undefined",
  "float",
  "int",
  "string",
  "tensor",
  "graph",
  "floats",
  "ints",
  "strings",
  "tensors",
  "graphs",
];
const [FLOAT, INT, STRING, TENSOR, FLOATS, INTS, STRINGS] = [1, 2, 3, 4, 6, 7, 8];

/** Attributes of one node. */
export class AttributeReader {
  readonly #node: string;
  readonly #byName = new Map<string, AttributeProto>();
  readonly #asked = new Set<string>();
  readonly #unsupported: (what: string) => void;

  /** `node` is the node as messages call it; `unsupported` is told of values that are not known here. */
  constructor(node: string, attributes: readonly AttributeProto[], unsupported: (what: string) => void) {
    this.#node = node;
    this.#unsupported = unsupported;
    for (const attribute of attributes) {
      if (this.#byName.has(attribute.name)) throw malformed(`${node} has the attribute ${quote(attribute.name)} twice`);
      this.#byName.set(attribute.name, attribute);
    }
  }

  /** Names of attributes that were never asked for. */
  unread(): string[] {
    return [...this.#byName.keys()].filter((name) => !this.#asked.has(name));
  }

  /** Whether the node has the attribute. */
  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** Leaves attributes aside that change nothing here. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#asked.add(name);
  }

  int(name: string, fallback: number): number {
    const attribute = this.#get(name, INT);
    return attribute === undefined ? fallback : whole(attribute.i);
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.int(name, Number(fallback));
    if (value === 0 || value === 1) return value === 1;
    throw malformed(`${this.#node} has ${quote(name)} ${value}; expected 0 or 1`);
  }

  /** A float32, as defaults are too. */
  float(name: string, fallback: number): number {
    const attribute = this.#get(name, FLOAT);
    return attribute === undefined ? Math.fround(fallback) : attribute.f;
  }

  string(name: string, fallback: string): string {
    const attribute = this.#get(name, STRING);
    return attribute === undefined ? fallback : text(attribute.s);
  }

  /** Undefined where the node has none. */
  ints(name: string): readonly number[] | undefined {
    return this.#get(name, INTS)?.ints.map(whole);
  }

  /** Undefined where the node has none. */
  floats(name: string): readonly number[] | undefined {
    return this.#get(name, FLOATS)?.floats;
  }

  /** Undefined where the node has none. */
  tensor(name: string): TensorProto | undefined {
    const attribute = this.#get(name, TENSOR);
    if (attribute === undefined) return undefined;
    if (attribute.t === undefined) throw malformed(`${this.#node} has the attribute ${quote(name)} without a tensor`);
    return attribute.t;
  }

  /** One of a few words, by default the first. */
  oneOf<T extends string>(name: string, words: readonly [T, ...T[]]): T {
    const value = this.string(name, words[0]);
    const found = words.find((word) => word === value);
    if (found !== undefined) return found;
    this.#unsupported(`${name} ${quote(value)}, only ${words.join(", ")}`);
    return words[0];
  }

  /** An attribute that the operator cannot do without. */
  required<T>(name: string, value: T | undefined): T {
    if (value === undefined) throw malformed(`${this.#node} has no attribute ${quote(name)}`);
    return value;
  }

  #get(name: string, kind: number): AttributeProto | undefined {
    this.#asked.add(name);
    const attribute = this.#byName.get(name);
    if (attribute === undefined) return undefined;
    // Files of the first IR version leave the type out.
    const held = heldBy(attribute);
    // A value of zero need not be written.
    const wrong =
      attribute.type === kind || attribute.type === 0 ? held.find((other) => other !== kind) : attribute.type;
    if (wrong === undefined) return attribute;
    const [is, expected] = [KINDS[wrong] ?? `type ${wrong}`, KINDS[kind]];
    throw malformed(`${this.#node} has the attribute ${quote(name)} of type ${is}; expected ${expected}`);
  }
}

/** The kinds of values that an attribute holds, which should be one. */
function heldBy(attribute: AttributeProto): readonly number[] {
  const { floats, ints, strings, t } = attribute;
  const has = (field: "f" | "i" | "s"): boolean => isFieldSet(attribute, AttributeProtoSchema.field[field]);
  const held: readonly (readonly [number, boolean])[] = [
    [FLOAT, has("f")],
    [INT, has("i")],
    [STRING, has("s")],
    [TENSOR, t !== undefined],
    [FLOATS, floats.length > 0],
    [INTS, ints.length > 0],
    [STRINGS, strings.length > 0],
  ];
  return held.filter(([, is]) => is).map(([kind]) => kind);
}

/** ONNX's int64; beyond 2^53, which only "to the end" needs, the nearest float64. */
function whole(value: bigint): number {
  return Number(value);
}

const utf8 = new TextDecoder();

function text(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}
