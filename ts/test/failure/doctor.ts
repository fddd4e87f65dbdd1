/** Changes a WebAssembly module so that one of its exported functions traps: what a defect of the core would do. */

/** The module with the body of the export `name` replaced by `unreachable`. */
export function trapIn(module: Uint8Array, name: string): Uint8Array<ArrayBuffer> {
  const sections = sectionsOf(module);
  const target = exportedFunction(sectionOf(sections, 7), name) - importedFunctions(sectionOf(sections, 2));
  const out: number[][] = [Array.from(module.subarray(0, 8))];
  for (const { id, bytes } of sections) {
    const content = id === 10 ? withTrap(bytes, target) : Array.from(bytes);
    out.push([id, ...leb(content.length)], content);
  }
  return Uint8Array.from(out.flat());
}

interface Section {
  readonly id: number;
  readonly bytes: Uint8Array;
}

/** Reads numbers one after the other. */
class Reader {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new RangeError("the module ends too early");
    return value;
  }

  /** An unsigned number in LEB128. */
  number(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  take(length: number): Uint8Array {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

function leb(value: number): number[] {
  const low = value % 128;
  return value < 128 ? [low] : [low + 128, ...leb(Math.floor(value / 128))];
}

function sectionsOf(module: Uint8Array): Section[] {
  const reader = new Reader(module);
  reader.take(8);
  const sections: Section[] = [];
  while (reader.at < module.length) {
    const id = reader.byte();
    sections.push({ id, bytes: reader.take(reader.number()) });
  }
  return sections;
}

function sectionOf(sections: readonly Section[], id: number): Uint8Array {
  return sections.find((section) => section.id === id)?.bytes ?? Uint8Array.of(0);
}

/** The core imports nothing, or functions alone. */
function importedFunctions(section: Uint8Array): number {
  return new Reader(section).number();
}

function exportedFunction(section: Uint8Array, name: string): number {
  const reader = new Reader(section);
  for (let left = reader.number(); left > 0; left--) {
    const exported = new TextDecoder().decode(reader.take(reader.number()));
    const kind = reader.byte();
    const index = reader.number();
    if (exported === name && kind === 0) return index;
  }
  throw new Error(`the module exports no function ${name}`);
}

function withTrap(section: Uint8Array, target: number): number[] {
  const reader = new Reader(section);
  const count = reader.number();
  const bodies: number[][] = [leb(count)];
  for (let index = 0; index < count; index++) {
    const body = reader.take(reader.number());
    // No locals, unreachable, end.
    const bytes = index === target ? [0, 0, 0x0b] : Array.from(body);
    bodies.push(leb(bytes.length), bytes);
  }
  return bodies.flat();
}
