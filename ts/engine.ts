/** The engine: lifecycle, memory and scopes; its operators are {@link Operators}. */
import type { Accuracy, Build, CoreMemory, Executor, Runtime } from "./command.ts";
import { tensorBytes, type TensorOptions } from "./ops/create.ts";
import { explained, type Explainable, type Explanation } from "./ops/explain.ts";
import type { LoadOptions, ModelSource } from "./load.ts";
import type { Model } from "./model/model.ts";
import { Operators } from "./operators.ts";
import type { Shape } from "./shape.ts";
import { Store } from "./store.ts";
import type { Numbers, Tensor } from "./tensor.ts";

/** What an engine runs on. */
export interface EngineInfo {
  /** The version of lenslet. */
  readonly version: string;
  /** The build of the core: plain SIMD, or relaxed SIMD with fused multiply-add. */
  readonly build: Build;
  /** Whether its core can train: the option `training` of `createEngine`. */
  readonly training: boolean;
  /** How exact convolutions are. */
  readonly accuracy: Accuracy;
  /** What runs it. */
  readonly runtime: Runtime;
  /** Where the core is: in this thread, or in a worker started by URL, from a Blob, or by the caller. */
  readonly host: Executor["host"];
  /** Threads that compute. */
  readonly threads: 1;
}

/** Memory of an engine. */
export interface EngineMemory {
  /** Tensors that were made and not disposed of. */
  readonly tensors: number;
  /**
   * Bytes of their elements, those that a reshape shares counted once; also of a tensor that could not be computed, until
   * it is disposed of. What the core really holds is `core.tensors`.
   */
  readonly bytes: number;
  /** The most that `bytes` ever was. */
  readonly peak: number;
  /** What the core holds, as of its last answer. */
  readonly core: CoreMemory;
}

/** Makes models; `createEngine` gives it, since an engine knows no files. */
export type ModelLoader = (engine: Engine, source: ModelSource, options: LoadOptions) => Promise<Model>;

let readStore: (engine: Engine) => Store;

/**
 * Holds tensors and runs operators on them, in this thread or in a worker; `createEngine` makes one.
 *
 * Operators check their arguments and throw a `LensletError` at once, then return a tensor without waiting. What only
 * the core can notice (no memory left, a lost worker) comes out of `data()` and `idle()`.
 */
export class Engine extends Operators {
  /** What it runs on. */
  readonly info: EngineInfo;
  readonly #store: Store;
  readonly #loadModel: ModelLoader;

  static {
    readStore = (engine) => engine.#store;
  }

  /** For `createEngine`: an executor, what it does not know itself, and what makes models. */
  constructor(
    executor: Executor,
    { version, runtime, accuracy }: Pick<EngineInfo, "version" | "runtime" | "accuracy">,
    loadModel: ModelLoader,
  ) {
    const store = new Store(executor);
    super(store);
    store.attach(this);
    this.#store = store;
    this.#loadModel = loadModel;
    const { build, training, host } = executor;
    this.info = Object.freeze({ version, build, training, accuracy, runtime, host, threads: 1 });
  }

  /** Whether {@link Engine.dispose} was called. */
  get disposed(): boolean {
    return !this.#store.open;
  }

  /**
   * A tensor of numbers, row-major: `shape` gives the sizes of its axes, without it `[data.length]`. The data is copied,
   * unless `transfer`. `[]` is the shape of one number.
   *
   * Throws `shape-mismatch` when the data has another length than the shape, `too-large`, `invalid-argument`.
   */
  tensor(data: Numbers, shape?: Shape, options?: TensorOptions): Tensor {
    this.#store.checkOpen("tensor");
    const made = tensorBytes("tensor", data, shape, options);
    return this.#store.write(made.bytes, made.shape, made.owned);
  }

  /**
   * A trained network from its ONNX file (opset 7 or later), or one written by hand: {@link sequential}, {@link graph}. The
   * file comes from an address (in Node also a path), a `Blob`, bytes or a stream; no conversion, no options. Bytes that the
   * caller gave must stay as they are for as long as the model is in use: its weights are read where they lie.
   *
   * Rejects with `file-failed`; `model-invalid` for a file that is malformed; `model-unsupported` with a list of all that
   * the network needs and lenslet does not have; `aborted`; `invalid-argument`.
   *
   * @example
   * const model = await engine.load("mobilenet.onnx");
   * const { logits } = await model.run({ input: pixels });
   */
  async load(source: ModelSource, options: LoadOptions = {}): Promise<Model> {
    this.#store.checkOpen("load");
    return this.#loadModel(this, source, options);
  }

  /**
   * Runs `fn` and frees the tensors that it made, except those in its result: the tensor itself, or tensors in arrays,
   * maps, sets and objects. They belong to the surrounding scope, if there is one. Frees everything when `fn` throws.
   *
   * `fn` must not be async: `invalid-argument` when it returns a promise. Read data outside the scope.
   *
   * @example
   * const edges = engine.scope(() => {
   *   const x = engine.conv2d(image, filters.sobelX());
   *   const y = engine.conv2d(image, filters.sobelY());
   *   return engine.hypot(x, y);
   * });
   */
  scope<T>(fn: () => T): T {
    return this.#store.scope(fn);
  }

  /** How much memory the tensors hold, and the core. */
  memory(): EngineMemory {
    this.#store.checkOpen("memory");
    return { ...this.#store.memory, core: this.#store.executor.memory() };
  }

  /**
   * How an operator would be computed on such arguments: `await engine.explain("conv2d", x, filter, { padding: "same" })`
   * gives `{ strategy: "winograd" }`. Nothing is computed. Throws what the operator would throw.
   */
  explain<N extends keyof Explainable>(op: N, ...args: Explainable[N]): Promise<Explanation> {
    this.#store.checkOpen("explain");
    return this.#store.explain(explained("explain", op, args));
  }

  /** Resolves when everything so far has run; rejects with the first failure since the last `idle`. */
  idle(): Promise<void> {
    return this.#store.idle();
  }

  /**
   * Ends the engine and frees its memory and its worker. Tensors go with it; what is pending rejects with
   * `engine-disposed`, and so does every later call. May be called again.
   */
  dispose(): void {
    this.#store.close();
  }

  /** For `using`: {@link Engine.dispose}. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The tensors of an engine; for functions of this package that run operators of their own. */
export function storeOf(engine: Engine): Store {
  return readStore(engine);
}
