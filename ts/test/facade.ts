import { expect } from "vitest";
import { Engine } from "../engine.ts";
import { type ErrorCode, LensletError } from "../errors.ts";
import { FakeExecutor } from "./fake-executor.ts";

/** An engine on a {@link FakeExecutor}. */
export function fakeEngine(): { engine: Engine; executor: FakeExecutor } {
  const executor = new FakeExecutor();
  const noModels = async (): Promise<never> => {
    throw new Error("a fake engine loads no models");
  };
  const engine = new Engine(executor, { version: "0.0.0", runtime: "node", accuracy: "fast" }, noModels);
  return { engine, executor };
}

/** Expects that `call` throws a LensletError with this code and exactly this message. */
export function expectError(call: () => unknown, code: ErrorCode, message: string): void {
  let error: unknown;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(LensletError);
  expect({ code: (error as LensletError).code, message: (error as LensletError).message }).toEqual({ code, message });
}

/** A value that TypeScript would not let pass, as JavaScript does. */
export function untyped(value: unknown): never {
  return value as never;
}
