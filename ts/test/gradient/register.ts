/** Puts the cases of the operators of training before a test runner, on executors that a platform makes. */
import type { Build, Executor } from "../../command.ts";
import { threadExecutor } from "../../core/executor.ts";
import type { WorkerLike } from "../../platform/platform.ts";
import { workerExecutor } from "../../worker/client.ts";
import { check } from "../conformance/case.ts";
import type { Reference } from "../reference/cases.ts";
import type { Runner } from "../register.ts";
import type { GradientCase } from "./case.ts";
import { derivatives } from "./derivative.ts";
import { gradientCasesOf } from "./reference.ts";
import { steps } from "./steps.ts";

/** Where cores come from. */
export interface Source {
  /** The bytes of a `.wasm` file. */
  core(name: string): Promise<BufferSource>;
  /** A worker of the package's own script. */
  worker(): WorkerLike;
}

async function start(source: Source, build: Build, inWorker: boolean, training = true): Promise<Executor> {
  const module = source.core(training ? `${build}-training` : build).then((bytes) => WebAssembly.compile(bytes));
  if (!inWorker) return threadExecutor(await module, "fast");
  const { signal } = new AbortController();
  return workerExecutor({ worker: () => source.worker(), module, accuracy: "fast", signal });
}

/** The cases, in this thread and in a worker, on each build. */
export function registerGradients(
  { describe, test, afterAll }: Runner,
  source: Source,
  builds: readonly Build[],
  references: readonly Reference[],
): void {
  for (const build of builds)
    for (const inWorker of [false, true])
      describe(`${inWorker ? "worker" : "thread"}, ${build}`, () => {
        let started: Promise<Executor> | undefined;
        afterAll(() => {
          started?.then((executor) => executor.dispose()).catch(() => undefined);
        });
        const register = (cases: readonly GradientCase[]): void => {
          for (const { name, run } of cases)
            test(name, async () => {
              started ??= start(source, build, inWorker);
              await run(await started);
              await (await started).idle();
            });
        };
        test("the core is one that trains", async () => {
          started ??= start(source, build, inWorker);
          const executor = await started;
          check(executor.build === build && executor.training, `${executor.build}, training: ${executor.training}`);
        });
        test("a core that does not train says so", async () => {
          const plain = await start(source, build, inWorker, false);
          check(!plain.training, "it claims to train");
          plain.submit({ kind: "write", id: 1, bytes: new Uint8Array(4) });
          plain.submit({
            kind: "op",
            op: "activationGrad",
            inputs: [1, 1],
            outputs: [{ id: 2, length: 1 }],
            words: [1, 0, 0],
          });
          const error: unknown = await plain.read(2).catch((reason: unknown) => reason);
          check(error instanceof Error && "code" in error && error.code === "training-unavailable", String(error));
          plain.submit({
            kind: "op",
            op: "activation",
            inputs: [1],
            outputs: [{ id: 3, length: 1 }],
            words: [1, 0, 0],
          });
          check((await plain.read(3)).byteLength === 4, "work afterwards");
          plain.dispose();
        });
        describe("PyTorch", () => {
          for (const reference of references) register(gradientCasesOf(reference));
        });
        describe("definitions in float64", () => register(derivatives));
        describe("steps", () => register(steps));
      });
}
