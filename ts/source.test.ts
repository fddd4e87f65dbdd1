import { describe, expect, test } from "vitest";
import { type FileSource, type Progress, readFile, type ReadOptions } from "./source.ts";

const BYTES = Uint8Array.from({ length: 1000 }, (_, index) => index % 251);

function stream(pieces: number, end: "close" | "error" | "never" = "close"): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      if (sent < pieces) {
        controller.enqueue(BYTES.subarray((sent * 1000) / pieces, ((sent + 1) * 1000) / pieces));
        sent += 1;
      } else if (end === "close") controller.close();
      else if (end === "error") controller.error(new Error("the line is dead"));
      else return new Promise(() => undefined);
      return undefined;
    },
  });
}

function answer(headers: Record<string, string> = {}): ReadOptions["request"] {
  return async () => new Response(stream(4), { headers });
}

async function read(source: FileSource, options: Partial<ReadOptions> = {}): Promise<Uint8Array> {
  return readFile("load", "source", source, { request: answer(), ...options });
}

describe("readFile", () => {
  test.each<[string, FileSource]>([
    ["an address", "https://example.org/model.onnx"],
    ["a URL", new URL("https://example.org/model.onnx")],
    ["a Blob", new Blob([BYTES])],
    ["an ArrayBuffer", BYTES.slice().buffer],
    ["a part of a buffer", new Uint8Array(Uint8Array.of(9, ...BYTES, 9).buffer, 1, 1000)],
    ["a stream", stream(7)],
  ])("%s", async (_, source) => {
    expect(await read(source)).toEqual(BYTES);
  });

  test("bytes are not copied", async () => {
    expect(await read(BYTES)).toBe(BYTES);
  });

  test.each([
    ["a true length", { "content-length": "1000" }, 1000],
    ["a length that is too small", { "content-length": "10" }, 10],
    ["a length that is a lie", { "content-length": "99999999999999" }, 99999999999999],
    ["no number", { "content-length": "many" }, undefined],
    ["the length of something encoded", { "content-length": "17", "content-encoding": "gzip" }, undefined],
  ])("progress with %s", async (_, headers, total) => {
    const seen: Progress[] = [];
    const bytes = await read("x", { request: answer(headers), onProgress: (progress) => seen.push(progress) });
    expect(bytes).toEqual(BYTES);
    expect(seen.map(({ loaded }) => loaded)).toEqual([250, 500, 750, 1000]);
    expect(seen[0]?.total).toBe(total);
  });

  test("what cannot be read is an error that says why", async () => {
    const request = async (): Promise<Response> => {
      throw new Error("404 Not Found");
    };
    await expect(read("there.onnx", { request })).rejects.toMatchObject({
      code: "file-failed",
      message: expect.stringMatching(/load: source there\.onnx could not be read \(404 Not Found\)/),
    });
    await expect(read(stream(2, "error"))).rejects.toMatchObject({ code: "file-failed" });
    await expect(read("" as never)).rejects.toMatchObject({ code: "invalid-argument" });
  });

  test("a signal ends a stream that never does, and cancels it", async () => {
    const controller = new AbortController();
    let cancelled: unknown;
    const endless = new ReadableStream<Uint8Array>({
      pull: () => new Promise(() => undefined),
      cancel: (reason) => {
        cancelled = reason;
      },
    });
    const reading = read(endless, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(reading).rejects.toMatchObject({ code: "aborted", message: expect.stringMatching(/^load:/) });
    expect(cancelled).toMatchObject({ code: "aborted" });
    await expect(read(BYTES, { signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
  });
});
