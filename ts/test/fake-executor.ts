import type { Command, CoreMemory, Executor, OpCommand, RunReport, RunRequest, TensorId } from "../command.ts";
import { LensletError } from "../errors.ts";

/**
 * An executor without a core: records commands, keeps what was written, gives zeros for what would be computed, and throws
 * when a command names a tensor that is not there.
 */
export class FakeExecutor implements Executor {
  readonly build = "simd";
  training = false;
  host: Executor["host"] = "thread";
  readonly commands: Command[] = [];
  readonly live = new Map<TensorId, ArrayBuffer>();
  disposals = 0;
  /** Answers wait for this. */
  gate: Promise<unknown> = Promise.resolve();

  submit(command: Command): void {
    if (this.disposals > 0) throw new Error(`${command.kind} after dispose`);
    this.commands.push(command);
    if (command.kind === "write") this.live.set(command.id, command.bytes.slice().buffer);
    else if (command.kind === "alias") this.live.set(command.id, this.#find(command.of));
    else if (command.kind === "free") {
      this.#find(command.id);
      this.live.delete(command.id);
    } else if (command.kind === "op") {
      for (const id of command.inputs) if (id !== 0) this.#find(id);
      for (const { id, length } of command.outputs) this.live.set(id, new ArrayBuffer(4 * length));
    }
  }

  /** The operators so far. */
  get ops(): OpCommand[] {
    return this.commands.filter((command) => command.kind === "op");
  }

  /** The operator that ran last. */
  get lastOp(): OpCommand {
    const op = this.ops.at(-1);
    if (op === undefined) throw new Error("no operator ran");
    return op;
  }

  async read(id: TensorId): Promise<ArrayBuffer> {
    const buffer = this.#find(id).slice(0);
    await this.gate;
    if (this.disposals > 0) throw new LensletError("engine-disposed", "the engine was disposed");
    return buffer;
  }

  async readInto(id: TensorId, into: Uint8Array): Promise<void> {
    into.set(new Uint8Array(await this.read(id)));
  }

  async idle(): Promise<void> {
    await this.gate;
  }

  async run({ inputs, outputs }: RunRequest): Promise<RunReport> {
    for (const id of inputs) this.#find(id);
    await this.gate;
    for (const { id, length } of outputs) this.live.set(id, new ArrayBuffer(4 * length));
    return {};
  }

  async explain(): Promise<string> {
    await this.gate;
    return "";
  }

  memory(): CoreMemory {
    return { tensors: 0, packed: 0, workspace: 0, spare: 0, arena: 0, linear: 65536, packs: 0 };
  }

  dispose(): void {
    this.disposals++;
  }

  #find(id: TensorId): ArrayBuffer {
    const found = this.live.get(id);
    if (found === undefined) throw new Error(`no tensor ${id}`);
    return found;
  }
}
