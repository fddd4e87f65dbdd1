/** The tensors of one engine: ids, ownership, memory, scopes; and the one place that sends commands. */
import type { Executor, ProgramCommand, ProgramId, RunOptions, RunReport, TensorId } from "./command.ts";
import type { Engine } from "./engine.ts";
import { LensletError } from "./errors.ts";
import { invalid } from "./options.ts";
import type { Explanation } from "./ops/explain.ts";
import type { Input, Output, Plan, Reshape } from "./ops/plan.ts";
import type { Shape } from "./shape.ts";
import { type DType, type Handle, handleOf, Tensor, type TensorStore } from "./tensor.ts";

/** Elements in memory; a reshape makes them two owners'. */
interface Elements {
  readonly bytes: number;
  owners: number;
}

/** A handle, as its store sees it. */
export interface StoreHandle extends Handle {
  readonly elements: Elements;
  live: boolean;
  /** The scope that frees it, if one does. */
  scope: Set<StoreHandle> | undefined;
}

/** What a run of a program is given, and what it makes. */
export interface ProgramCall {
  /** The method that was called, for messages. */
  readonly call: string;
  readonly program: ProgramId;
  readonly inputs: readonly Input[];
  readonly outputs: readonly Output[];
}

/** What a run of a program made. */
export interface ProgramResult extends RunReport {
  /** In the order of the outputs. */
  readonly tensors: readonly Tensor<DType>[];
}

/** Live tensors of an engine, and what they hold. */
export interface StoreMemory {
  readonly tensors: number;
  readonly bytes: number;
  readonly peak: number;
}

/**
 * Ends the executors of engines that nobody holds any more: a worker would go on for ever. Watches the store, because
 * whatever still waits for an answer leads to it; an executor leads to neither.
 */
const abandoned = new FinalizationRegistry<Executor>((executor) => executor.dispose());

/** What an {@link Engine} keeps; its methods check, and this sends. */
export class Store implements TensorStore {
  readonly executor: Executor;
  #engine: Engine | undefined;
  #open = true;
  #nextId: TensorId = 1;
  #nextProgram: ProgramId = 1;
  #tensors = 0;
  #bytes = 0;
  #peak = 0;
  readonly #waiting = new Set<Promise<unknown>>();
  readonly #scopes: Set<StoreHandle>[] = [];
  /** By handle: the ids of collected tensors are freed. Neither this nor a handle leads to a tensor. */
  readonly #collected: FinalizationRegistry<StoreHandle> = new FinalizationRegistry((handle) => this.#free(handle));

  constructor(executor: Executor) {
    this.executor = executor;
    abandoned.register(this, executor, this);
  }

  /** Names the engine whose tensors these are, once. */
  attach(engine: Engine): void {
    this.#engine = engine;
  }

  get engine(): Engine {
    if (this.#engine === undefined) throw new Error("a store without an engine");
    return this.#engine;
  }

  get open(): boolean {
    return this.#open;
  }

  get memory(): StoreMemory {
    return { tensors: this.#tensors, bytes: this.#bytes, peak: this.#peak };
  }

  /** Throws once the engine was disposed. */
  checkOpen(call: string): void {
    if (this.#open) return;
    throw new LensletError("engine-disposed", `${call}: the engine was disposed; createEngine() makes a new one`);
  }

  /** Throws unless a tensor can be used: one of this engine, and neither was disposed. */
  check(call: string, argument: string, tensor: Tensor<DType>): StoreHandle {
    this.checkOpen(call);
    const handle = handleOf(tensor);
    if (handle.store !== this) {
      const text = `${call}: ${argument} is a tensor of another engine; expected one of this engine (copy it: engine.tensor(await ${argument}.data(), ${argument}.shape))`;
      throw new LensletError("foreign-tensor", text, { argument });
    }
    if (!handle.live) {
      const text = `${call}: ${argument} is a tensor that was disposed; dispose of it after its last use, or keep it by returning it from its scope`;
      throw new LensletError("tensor-disposed", text, { argument });
    }
    return handle as StoreHandle;
  }

  /** Runs an operator of one output. */
  one<A extends readonly unknown[]>(op: (call: string, ...args: A) => Plan, call: string, ...args: A): Tensor {
    this.checkOpen(call);
    return this.first(op(call, ...args));
  }

  /** Runs a checked call of one output. */
  first(plan: Plan): Tensor {
    const [tensor] = this.run(plan);
    return tensor as Tensor;
  }

  /** Runs a checked call: uploads what is not a tensor, and frees it behind the call. */
  run(plan: Plan): Tensor<DType>[] {
    return this.#withInputs(plan, (inputs) => {
      const made = this.#claimAll(plan.outputs);
      const outputs = made.map(({ output, handle }) => ({ id: handle.id, length: output.size }));
      this.executor.submit({ kind: "op", op: plan.op, inputs, outputs, words: plan.words });
      return made.map(({ output, handle }) => this.#hand(handle, output));
    });
  }

  /** How a checked call would be computed. */
  async explain({ op, words }: Plan): Promise<Explanation> {
    return { strategy: await this.#wait("explain", this.executor.explain(op, words, true)) };
  }

  /** Keeps a program in the core; what is wrong with it comes out of its runs. */
  loadProgram(program: Omit<ProgramCommand, "kind" | "id">): ProgramId {
    const id = this.#nextProgram++;
    this.executor.submit({ kind: "program", id, ...program });
    return id;
  }

  /** Forgets a program, behind the runs so far. */
  freeProgram(id: ProgramId): void {
    if (this.#open) this.executor.submit({ kind: "freeProgram", id });
  }

  /** Runs a program: uploads what is not a tensor, and frees it behind the run. Of a run that fails, nothing is left. */
  async runProgram({ call, program, inputs, outputs }: ProgramCall, options?: RunOptions): Promise<ProgramResult> {
    const { made, running } = this.#withInputs({ call, inputs }, (ids) => {
      const made = this.#claimAll(outputs);
      const request = {
        program,
        inputs: ids,
        outputs: made.map(({ output, handle }) => ({ id: handle.id, length: output.size })),
      };
      return { made, running: this.executor.run(request, options) };
    });
    try {
      const report = await this.#wait(call, running);
      return { ...report, tensors: made.map(({ output, handle }) => this.#hand(handle, output)) };
    } catch (error) {
      for (const { handle } of made) this.#free(handle);
      throw error;
    }
  }

  /** Calls `use` with the ids of checked inputs; those that had to be uploaded are freed behind it. */
  #withInputs<T>({ call, inputs }: Pick<Plan, "call" | "inputs">, use: (ids: TensorId[]) => T): T {
    for (const input of inputs) if (input?.value instanceof Tensor) this.check(call, input.argument, input.value);
    const uploads: StoreHandle[] = [];
    try {
      return use(inputs.map((input) => (input === undefined ? 0 : this.#inputId(input, uploads))));
    } finally {
      for (const upload of uploads) this.#free(upload);
    }
  }

  #claimAll(outputs: readonly Output[]): { readonly output: Output; readonly handle: StoreHandle }[] {
    return outputs.map((output) => ({ output, handle: this.#claim({ bytes: 4 * output.size, owners: 0 }) }));
  }

  #inputId({ value, owned }: Input, uploads: StoreHandle[]): TensorId {
    if (value instanceof Tensor) return handleOf(value).id;
    const handle = this.#write(value, owned);
    uploads.push(handle);
    return handle.id;
  }

  /** A tensor of bytes; those that are not `owned` are the caller's, who may change them later. */
  write(bytes: Uint8Array<ArrayBuffer>, shape: Shape, owned: boolean): Tensor {
    return this.#hand(this.#write(bytes, owned), { shape, size: bytes.length / 4, dtype: "float32" }) as Tensor;
  }

  #write(bytes: Uint8Array<ArrayBuffer>, owned = false): StoreHandle {
    // An executor in this thread has read them when `submit` returns; others keep and transfer them.
    const kept = owned || this.executor.host === "thread" ? bytes : copyOf(bytes);
    const handle = this.#claim({ bytes: bytes.length, owners: 0 });
    this.executor.submit({ kind: "write", id: handle.id, bytes: kept });
    return handle;
  }

  /** A tensor without elements: the core knows nothing of it. */
  empty<D extends DType>(shape: Shape, dtype: D): Tensor<D> {
    return this.#hand(this.#claim({ bytes: 0, owners: 0 }), { shape, size: 0, dtype }) as Tensor<D>;
  }

  /** Takes a tensor out of the scope that would free it: what holds it frees it. */
  keep(tensor: Tensor<DType>): void {
    const handle = handleOf(tensor) as StoreHandle;
    handle.scope?.delete(handle);
    handle.scope = undefined;
  }

  /** A second tensor of the same elements. */
  alias<D extends DType>({ call, of, shape }: Reshape<D>): Tensor<D> {
    const from = this.check(call, "x", of);
    const handle = this.#claim(from.elements);
    this.executor.submit({ kind: "alias", id: handle.id, of: from.id });
    return this.#hand(handle, { shape, size: of.size, dtype: of.dtype }) as Tensor<D>;
  }

  async read(handle: Handle): Promise<ArrayBuffer> {
    if (this.#isEmpty(handle)) return new ArrayBuffer(0);
    return this.#wait("data", this.executor.read(handle.id));
  }

  async readInto(handle: Handle, into: Uint8Array): Promise<void> {
    if (!this.#isEmpty(handle)) await this.#wait("data", this.executor.readInto(handle.id, into));
  }

  /** Whether the core knows nothing of a tensor; throws for one that cannot be read. */
  #isEmpty(handle: Handle): boolean {
    this.checkOpen("data");
    if (!handle.live) {
      throw new LensletError(
        "tensor-disposed",
        "data: the tensor was disposed; read it before, or keep it by returning it from its scope",
      );
    }
    return (handle as StoreHandle).elements.bytes === 0;
  }

  async idle(): Promise<void> {
    this.checkOpen("idle");
    return this.#wait("idle", this.executor.idle());
  }

  /**
   * Waits for the executor in a way that leads from the promise to this store, so that it is not taken for abandoned. An
   * answer that comes after the end is none, whichever executor gave it.
   */
  async #wait<T>(call: string, answer: Promise<T>): Promise<T> {
    this.#waiting.add(answer);
    try {
      return await answer;
    } finally {
      this.#waiting.delete(answer);
      this.checkOpen(call);
    }
  }

  release(handle: Handle): void {
    this.#free(handle as StoreHandle);
  }

  /** Runs `fn` and frees the tensors that it made, but those that `found` finds in its result. */
  scope<T>(fn: () => T): T {
    this.checkOpen("scope");
    if (typeof fn !== "function") throw invalid("scope", "fn", fn, "a function");
    const scope = new Set<StoreHandle>();
    const outer = this.#scopes.at(-1);
    this.#scopes.push(scope);
    try {
      const result = fn();
      if (isThenable(result)) {
        // What it goes on to do fails, since its tensors are gone; the error below is the one to see.
        result.then(undefined, () => undefined);
        const text =
          "scope: fn returned a promise; scope ends when fn returns, so it must not wait: await data() outside, or dispose() by hand";
        throw new LensletError("invalid-argument", text, { argument: "fn" });
      }
      for (const tensor of tensorsIn(result)) {
        const handle = handleOf(tensor) as StoreHandle;
        if (handle.scope !== scope) continue;
        scope.delete(handle);
        handle.scope = outer;
        outer?.add(handle);
      }
      return result;
    } finally {
      this.#scopes.pop();
      for (const handle of scope) this.#free(handle);
    }
  }

  /** Ends the executor; tensors and pending answers go with it. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#tensors = 0;
    this.#bytes = 0;
    abandoned.unregister(this);
    this.executor.dispose();
  }

  #claim(elements: Elements): StoreHandle {
    const handle: StoreHandle = { id: this.#nextId++, store: this, elements, live: true, scope: undefined };
    if (elements.owners++ === 0) {
      this.#bytes += elements.bytes;
      this.#peak = Math.max(this.#peak, this.#bytes);
    }
    this.#tensors++;
    return handle;
  }

  #hand(handle: StoreHandle, { shape, size, dtype }: Output): Tensor<DType> {
    handle.scope = this.#scopes.at(-1);
    handle.scope?.add(handle);
    const tensor = new Tensor(handle, shape, size, dtype);
    this.#collected.register(tensor, handle, handle);
    return tensor;
  }

  #free(handle: StoreHandle): void {
    if (!handle.live) return;
    handle.live = false;
    handle.scope?.delete(handle);
    this.#collected.unregister(handle);
    if (!this.#open) return;
    this.#tensors--;
    if (--handle.elements.owners === 0) this.#bytes -= handle.elements.bytes;
    this.executor.submit({ kind: "free", id: handle.id });
  }
}

function copyOf(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  try {
    return bytes.slice();
  } catch (cause) {
    const text = `tensor: no ${bytes.length} bytes left to copy the data for the worker; use smaller inputs, or { transfer: true }`;
    throw new LensletError("out-of-memory", text, { argument: "data", cause });
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** The tensors in a value: itself, or in arrays, maps, sets and the properties of objects, however deep. */
function* tensorsIn(value: unknown): Generator<Tensor<DType>> {
  const seen = new Set<object>();
  const rest: unknown[] = [value];
  while (rest.length > 0) {
    const next = rest.pop();
    if (typeof next !== "object" || next === null || ArrayBuffer.isView(next) || seen.has(next)) continue;
    seen.add(next);
    if (next instanceof Tensor) {
      yield next;
    } else if (next instanceof Map) {
      for (const entry of next) for (const item of entry) rest.push(item);
    } else if (Array.isArray(next) || next instanceof Set) {
      for (const item of next) rest.push(item);
    } else {
      for (const item of Object.values(next)) rest.push(item);
    }
  }
}
