/**
 * What this machine's core can do in WebAssembly, measured by a small module assembled here: multiply-adds on 128-bit
 * vectors in registers, and copies of memory. Both are measured among the rounds, for a shared machine changes its speed.
 */

/** Accumulators: more than a core's latency times its units (4 × 2), fewer than V8's registers (15). */
const ACCUMULATORS = 12;
const UNROLL = 4;
const FLOPS_PER_TURN = ACCUMULATORS * UNROLL * 4 * 2;
const PAGE = 65_536;

const V128 = 0x7b;
const I32 = 0x7f;
const F32 = 0x7d;

type Code = readonly number[];

function leb(value: number): Code {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  bytes.push(rest);
  return bytes;
}

const section = (id: number, body: Code): Code => [id, ...leb(body.length), ...body];
const list = (items: readonly Code[]): Code => [...leb(items.length), ...items.flat()];
const name = (text: string): Code => [...leb(text.length), ...new TextEncoder().encode(text)];
const get = (local: number): Code => [0x20, local];
const set = (local: number): Code => [0x21, local];
const simd = (opcode: number): Code => [0xfd, ...leb(opcode)];

const splat = (value: number): Code => [0x43, ...new Uint8Array(new Float32Array([value]).buffer), ...simd(0x13)];
const RELAXED_MADD = simd(0x105);
const MUL = simd(0xe6);
const ADD = simd(0xe4);

/** `(turns) -> sum`: accumulator += a * b, over and over. */
function multiplyAdd(relaxed: boolean): Code {
  const a = 1;
  const b = 2;
  const accumulator = (i: number): number => 3 + (i % ACCUMULATORS);
  const step = (i: number): Code =>
    relaxed
      ? [...get(a), ...get(b), ...get(accumulator(i)), ...RELAXED_MADD, ...set(accumulator(i))]
      : [...get(a), ...get(b), ...MUL, ...get(accumulator(i)), ...ADD, ...set(accumulator(i))];
  const body: Code = [
    ...leb(1),
    ...leb(2 + ACCUMULATORS),
    V128,
    ...splat(1e-3),
    ...set(a),
    ...splat(1e-3),
    ...set(b),
    // loop
    0x03,
    0x40,
    ...Array.from({ length: ACCUMULATORS * UNROLL }, (_, i) => step(i)).flat(),
    // turns -= 1; again while it is not 0
    ...get(0),
    0x41,
    0x01,
    0x6b,
    0x22,
    0x00,
    0x0d,
    0x00,
    0x0b,
    ...get(accumulator(0)),
    ...Array.from({ length: ACCUMULATORS - 1 }, (_, i) => [...get(accumulator(i + 1)), ...ADD]).flat(),
    // f32x4.extract_lane 0
    ...simd(0x1f),
    0x00,
    0x0b,
  ];
  return [...leb(body.length), ...body];
}

/** `(to, from, bytes)`: memory.copy. */
function copyMemory(): Code {
  const body: Code = [0x00, ...get(0), ...get(1), ...get(2), 0xfc, 0x0a, 0x00, 0x00, 0x0b];
  return [...leb(body.length), ...body];
}

function assemble(relaxed: boolean): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(
      1,
      list([
        [0x60, 1, I32, 1, F32],
        [0x60, 3, I32, I32, I32, 0],
      ]),
    ),
    ...section(3, list([[0], [1]])),
    ...section(5, list([[0x00, 1]])),
    ...section(
      7,
      list([
        [...name("madd"), 0x00, 0],
        [...name("copy"), 0x00, 1],
        [...name("memory"), 0x02, 0],
      ]),
    ),
    ...section(10, list([multiplyAdd(relaxed), copyMemory()])),
  ]);
}

interface Exports {
  readonly madd: (turns: number) => number;
  readonly copy: (to: number, from: number, bytes: number) => void;
  readonly memory: WebAssembly.Memory;
}

export interface Machine {
  /** Whether a multiply-add is one instruction here. */
  readonly fused: boolean;
  /** GFLOP/s of multiply-adds, over about `ms` milliseconds. */
  peak(ms: number): number;
  /** Milliseconds of copying `bytes`, the fastest of several. */
  copy(bytes: number): number;
}

export async function measuredMachine(): Promise<Machine> {
  const relaxed = assemble(true);
  const fused = WebAssembly.validate(relaxed);
  const { instance } = await WebAssembly.instantiate(fused ? relaxed : assemble(false));
  const { madd, copy, memory } = instance.exports as unknown as Exports;
  const seconds = (turns: number): number => {
    const start = performance.now();
    madd(turns);
    return (performance.now() - start) / 1e3;
  };
  // V8 starts with quick code and replaces it: run until that has happened.
  for (let i = 0; i < 50; i++) madd(10_000);
  return {
    fused,
    peak(ms) {
      const turns = 20_000;
      const rate = turns / seconds(turns);
      const enough = Math.max(turns, Math.round(rate * (ms / 4e3)));
      // The fastest quarter: the peak is what the core can do, not what its neighbours left of it.
      const times = Array.from({ length: 4 }, () => seconds(enough));
      return (enough * FLOPS_PER_TURN) / Math.min(...times) / 1e9;
    },
    copy(bytes) {
      const pages = Math.ceil((2 * bytes) / PAGE) - memory.buffer.byteLength / PAGE;
      if (pages > 0) {
        memory.grow(pages);
        new Uint8Array(memory.buffer).fill(1);
      }
      const again = Math.max(1, Math.round(2e6 / bytes));
      const times = Array.from({ length: 5 }, () => {
        const start = performance.now();
        for (let i = 0; i < again; i++) copy(bytes, 0, bytes);
        return (performance.now() - start) / again;
      });
      return Math.min(...times);
    },
  };
}
