/** A program ends when its own work is done, whether or not it disposed of its engine. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const START = new URL("./testing/start.ts", import.meta.url).href;
const FAKE = new URL("./testing/fake-runner.ts", import.meta.url).href;

/** Runs a program that has an `executor`; gives what it printed. */
async function run(body: string): Promise<string> {
  const program = `
    import { bytesOf, fakeWorker, start } from ${JSON.stringify(START)};
    import { Behaviour, fakeOp } from ${JSON.stringify(FAKE)};
    const executor = await start(fakeWorker());
    executor.submit({ kind: "write", id: 1, bytes: bytesOf(42) });
    ${body}`;
  const args = ["--input-type=module", "--unhandled-rejections=strict", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 10_000 });
  return stdout.trim();
}

test("without dispose, when nothing is pending", async () => {
  expect(await run("console.log(new Float32Array(await executor.read(1))[0]);")).toBe("42");
});

test("not before an answer that somebody waits for", async () => {
  const body = `
    executor.submit(fakeOp(Behaviour.work, 1, 2));
    executor.read(2).then((bytes) => console.log(new Float32Array(bytes)[0]));`;
  expect(await run(body)).toBe("42");
});

test("with commands that nobody asks about, and with dispose", async () => {
  expect(await run("console.log('done');")).toBe("done");
  expect(await run("executor.dispose(); console.log('done');")).toBe("done");
});
