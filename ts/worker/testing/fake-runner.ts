/** A core for the tests of the line to it: keeps bytes, and misbehaves when told. */
import type { Build, Command, CoreMemory, OpCommand, RunRequest, TensorId } from "../../command.ts";
import type { Runner, StepwiseRun } from "../../core/queue.ts";
import { LensletError } from "../../errors.ts";

/** What the fake's one operator does, as its first word. */
export const Behaviour = {
  /** Copies its input. */
  copy: 0,
  /** Fails as the core does when memory runs out. */
  fail: 1,
  /** Never ends. */
  hang: 2,
  /** Ends the worker's thread. */
  exit: 3,
  /** Throws where nobody catches, as soon as this batch was answered. */
  throwLater: 4,
  /** Takes 100 ms. */
  work: 5,
} as const;

/** A command that makes `id` from `from`. */
export function fakeOp(behaviour: number, from: TensorId, id: TensorId): OpCommand {
  return { kind: "op", op: "activation", inputs: [from], outputs: [{ id, length: 1 }], words: [behaviour] };
}

export class FakeRunner implements Runner {
  readonly build: Build = "simd";
  readonly training = false;
  readonly #tensors = new Map<TensorId, Uint8Array<ArrayBuffer> | LensletError>();
  #failure: LensletError | undefined;

  static async create(): Promise<FakeRunner> {
    return new FakeRunner();
  }

  run(commands: readonly Command[]): void {
    for (const command of commands) {
      if (command.kind === "write") this.#tensors.set(command.id, command.bytes);
      else if (command.kind === "alias") this.#tensors.set(command.id, this.#tensor(command.of));
      else if (command.kind === "free") this.#tensors.delete(command.id);
      else if (command.kind === "op") this.#op(command);
    }
  }

  /** A run of as many steps as its program's number, of 2 ms each; it copies its inputs. */
  start({ program, inputs, outputs }: RunRequest): StepwiseRun {
    const set = (make: (index: number) => Uint8Array<ArrayBuffer> | LensletError): void => {
      outputs.forEach(({ id }, index) => {
        this.#tensors.set(id, make(index));
      });
    };
    let done = 0;
    return {
      total: program,
      get done() {
        return done;
      },
      advance(end) {
        for (const until = performance.now() + 2 * (end - done); performance.now() < until; );
        done = end;
      },
      finish: () => set((index) => this.#tensor(inputs[index] ?? 0)),
      abandon(error) {
        const failure = error instanceof LensletError ? error : new LensletError("core-trapped", String(error));
        set(() => failure);
        return failure;
      },
    };
  }

  explain(): string {
    return "fake";
  }

  read(id: TensorId): ArrayBuffer {
    const tensor = this.#tensor(id);
    if (tensor instanceof LensletError) throw tensor;
    return tensor.slice().buffer;
  }

  readInto(id: TensorId, into: Uint8Array): void {
    into.set(new Uint8Array(this.read(id)));
  }

  takeFailure(): LensletError | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }

  memory(): CoreMemory {
    return { tensors: this.#tensors.size, packed: 0, workspace: 0, spare: 0, arena: 0, linear: 0, packs: 0 };
  }

  #op({ inputs: [from = 0], outputs, words: [behaviour] }: OpCommand): void {
    const id = outputs[0]?.id ?? 0;
    if (behaviour === Behaviour.hang) for (;;);
    if (behaviour === Behaviour.exit) process.exit(7);
    if (behaviour === Behaviour.throwLater) setImmediate(() => throwBoom());
    if (behaviour === Behaviour.work) for (const end = performance.now() + 100; performance.now() < end; );
    if (behaviour === Behaviour.fail) {
      const failure = new LensletError("out-of-memory", "activation: no memory left", { argument: "x" });
      this.#failure ??= failure;
      this.#tensors.set(id, failure);
      return;
    }
    this.#tensors.set(id, this.#tensor(from));
  }

  #tensor(id: TensorId): Uint8Array<ArrayBuffer> | LensletError {
    return this.#tensors.get(id) ?? new LensletError("tensor-disposed", `tensor ${id} was disposed`);
  }
}

function throwBoom(): never {
  throw new Error("boom");
}
