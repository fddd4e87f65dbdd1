import { describe, expect, it } from "vitest";
import * as image from "./image.ts";
import { expectError, fakeEngine, untyped } from "./test/facade.ts";

const pixels = (width: number, height: number) => ({ data: new Uint8ClampedArray(4 * width * height), width, height });

describe("toTensor", () => {
  it("writes words in the core's order", () => {
    const { engine, executor } = fakeEngine();
    expect(image.toTensor(engine, pixels(3, 2)).shape).toEqual([1, 2, 3, 3]);
    expect(executor.lastOp).toMatchObject({ op: "pixelsToTensor", words: [0, 2, 3, 1, 1, 0, 0, 0, 1, 1, 1] });
    const options = { color: "rgba", range: 1, mean: [1, 2, 3, 4], std: 0.5, layout: "NCHW" } as const;
    expect(image.toTensor(engine, pixels(3, 2), options).shape).toEqual([1, 4, 2, 3]);
    expect(executor.lastOp.words).toEqual([1, 2, 3, 2, 1 / 255, 1, 2, 3, 4, 0.5, 0.5, 0.5, 0.5]);
    expect(image.toTensor(engine, pixels(3, 2), { color: "grey" }).shape).toEqual([1, 2, 3, 1]);
    expect(executor.lastOp.words).toEqual([0, 2, 3, 0, 1, 0, 1]);
  });

  it("resizes, and keeps nothing else", () => {
    const { engine, executor } = fakeEngine();
    expect(image.toTensor(engine, pixels(3, 2), { size: [4, 5] }).shape).toEqual([1, 4, 5, 3]);
    expect(executor.ops.map(({ op }) => op)).toEqual(["pixelsToTensor", "resize2d"]);
    expect(engine.memory().tensors).toBe(1);
    expect(image.toTensor(engine, pixels(3, 2), { size: [2, 3] }).shape).toEqual([1, 2, 3, 3]);
    expect(executor.ops.length).toBe(3);
  });

  it("copies the pixels", () => {
    const { engine, executor } = fakeEngine();
    executor.host = "worker-url";
    const source = pixels(1, 1);
    image.toTensor(engine, source);
    const [write] = executor.commands;
    if (write?.kind !== "write") throw new Error("no write");
    expect(write.bytes.buffer).not.toBe(source.data.buffer);
  });

  it("transfers the pixels, which are then gone from the caller, and copies nothing on the way to a worker", () => {
    const { engine, executor } = fakeEngine();
    executor.host = "worker-url";
    const source = pixels(2, 1);
    source.data.fill(7);
    image.toTensor(engine, source, { transfer: true });
    expect(source.data.length).toBe(0);
    const [write] = executor.commands;
    if (write?.kind !== "write") throw new Error("no write");
    expect(write.bytes).toEqual(new Uint8Array(8).fill(7));
    expect(engine.memory().tensors).toBe(1);
  });

  it("refuses what it cannot transfer, and leaves whole what it refuses", () => {
    const { engine } = fakeEngine();
    const data = new Uint8ClampedArray(24);
    const part = { data: data.subarray(0, 16), width: 2, height: 2 };
    expectError(
      () => image.toTensor(engine, part, { transfer: true }),
      "invalid-argument",
      "image.toTensor: pixels.data is a Uint8ClampedArray of 16 elements; expected bytes over the whole of their ArrayBuffer, to transfer; leave transfer out to copy",
    );
    const whole = { data, width: 3, height: 2 };
    expect(() => image.toTensor(engine, whole, { transfer: true, size: [2 ** 20, 2 ** 20] })).toThrow(/elements/);
    expect(() => image.toTensor(engine, whole, { transfer: true, std: 0 })).toThrow(/divided/);
    expect(data.length).toBe(24);
  });

  it.each<[unknown, unknown, string, string]>([
    [null, {}, "invalid-argument", "pixels is null; expected { data, width, height }, as ImageData is"],
    [{ ...pixels(2, 2), width: 0 }, {}, "invalid-argument", "pixels.width is 0; expected a positive integer"],
    [{ ...pixels(2, 2), height: 1.5 }, {}, "invalid-argument", "pixels.height is 1.5; expected a positive integer"],
    [
      { ...pixels(2, 2), height: 3 },
      {},
      "shape-mismatch",
      "pixels.data has 16 bytes; expected 24, RGBA for 2 × 3 pixels",
    ],
    [
      { data: new Float32Array(16), width: 2, height: 2 },
      {},
      "invalid-argument",
      "pixels.data is a Float32Array of 16 elements; expected a Uint8ClampedArray or Uint8Array of RGBA bytes",
    ],
    [pixels(2, 2), { color: "gray" }, "invalid-argument", 'color is "gray"; expected "grey", "rgb" or "rgba"'],
    [pixels(2, 2), { range: 2 }, "invalid-argument", "range is 2; expected 255 or 1"],
    [
      pixels(2, 2),
      { mean: [1, 2] },
      "invalid-argument",
      "mean is [1, 2]; expected a finite number, or 3 of them, one a channel",
    ],
    [
      pixels(2, 2),
      { std: [1, 0, 1] },
      "invalid-argument",
      "std is [1, 0, 1]; expected numbers other than 0: channels are divided by them",
    ],
    [pixels(2, 2), { size: -1 }, "invalid-argument", "size is -1; expected a positive integer or [sizeH, sizeW]"],
    [
      pixels(2, 2),
      { size: 2 ** 20 },
      "too-large",
      "the result would have shape [1048576, 1048576, 3], which is 3298534883328 elements; expected at most 536870911 (2 GiB of float32, what WebAssembly can hold at a time)",
    ],
    [
      pixels(2, 2),
      { colour: "grey" },
      "invalid-argument",
      'options has the unknown key "colour"; expected color, range, size, mean, std, layout or transfer',
    ],
  ])("refuses %j with %j", (source, options, code, message) => {
    const { engine, executor } = fakeEngine();
    expectError(
      () => image.toTensor(engine, untyped(source), untyped(options)),
      untyped(code),
      `image.toTensor: ${message}`,
    );
    expect(executor.commands).toEqual([]);
  });

  it("refuses what is no engine, and one that was disposed", () => {
    expectError(
      () => image.toTensor(untyped({}), pixels(1, 1)),
      "invalid-argument",
      "image.toTensor: engine is {}; expected an engine: await createEngine() makes one",
    );
    const { engine } = fakeEngine();
    engine.dispose();
    expect(() => image.toTensor(engine, pixels(1, 1))).toThrow(/^image.toTensor: the engine was disposed/);
  });
});

describe("toPixels", () => {
  it("gives RGBA bytes of one image", async () => {
    const { engine, executor } = fakeEngine();
    const x = engine.tensor(new Float32Array(18), [1, 2, 3, 3]);
    const result = image.toPixels(x);
    expect(engine.memory().tensors).toBe(1);
    expect(await result).toEqual(pixels(3, 2));
    expect(executor.lastOp).toMatchObject({ op: "tensorToPixels", words: [0, 2, 3, 1, 1, 0] });
    await image.toPixels(engine.reshape(x, [1, 1, 3, 6]), { layout: "NCHW", range: 1 });
    expect(executor.lastOp.words).toEqual([1, 3, 6, 0, 255, 0]);
  });

  it("refuses other shapes", async () => {
    const { engine } = fakeEngine();
    const expected = "expected one image of 1, 3 or 4 channels, [1, h, w, c]";
    for (const shape of [
      [2, 1, 1, 1],
      [1, 1, 1, 2],
    ]) {
      const x = engine.tensor([1, 2], shape);
      await expect(image.toPixels(x)).rejects.toMatchObject({
        code: "shape-mismatch",
        message: `image.toPixels: tensor has shape [${shape.join(", ")}]; ${expected}`,
      });
    }
    const gone = engine.tensor([1], [1, 1, 1, 1]);
    gone.dispose();
    await expect(image.toPixels(gone)).rejects.toMatchObject({
      code: "tensor-disposed",
      message: expect.stringMatching(/^image.toPixels: tensor is a tensor that was/),
    });
    await expect(image.toPixels(untyped(1))).rejects.toMatchObject({ code: "invalid-argument" });
  });
});

describe("toGrey and normalize", () => {
  it("are one operator each", () => {
    const { engine, executor } = fakeEngine();
    const rgb = engine.tensor(new Float32Array(12), [1, 2, 2, 3]);
    expect(image.toGrey(rgb).shape).toEqual([1, 2, 2, 1]);
    expect(executor.lastOp.op).toBe("grey");
    const planes = engine.tensor(new Float32Array(16), [1, 4, 2, 2]);
    expect(image.toGrey(planes, { layout: "NCHW" }).shape).toEqual([1, 1, 2, 2]);
    const grey = image.toGrey(engine.tensor(new Float32Array(4), [1, 2, 2, 1]));
    expect(grey.shape).toEqual([1, 2, 2, 1]);
    expect(image.normalize(rgb, { mean: [1, 2, 3], std: 2 }).shape).toEqual(rgb.shape);
    expect(executor.lastOp).toMatchObject({ op: "batchNorm", words: [4, 3, 1, 0] });
  });

  it("refuse what they cannot use", () => {
    const { engine } = fakeEngine();
    const two = engine.tensor(new Float32Array(8), [1, 2, 2, 2]);
    expectError(
      () => image.toGrey(two),
      "shape-mismatch",
      "image.toGrey: tensor has 2 channels (shape [1, 2, 2, 2]); expected 1, 3 or 4",
    );
    expectError(
      () => image.normalize(two, untyped({ mean: 0 })),
      "invalid-argument",
      "image.normalize: std is undefined; expected a finite number, or 2 of them, one a channel",
    );
    two.dispose();
    expect(() => image.normalize(two, { mean: 0, std: 1 })).toThrow(
      /^image.normalize: tensor is a tensor that was disposed/,
    );
  });
});

describe("decode and encode", () => {
  it("refuse bad arguments before they ask the platform", async () => {
    const decode = (source: unknown) => image.decode(untyped(source));
    const encode = (source: unknown, options?: unknown) => image.encode(untyped(source), untyped(options));
    const refused = (message: string) => ({ code: "invalid-argument", message });
    const expected = "expected a path or URL, a Blob, or a file's bytes (ArrayBuffer, Uint8Array)";
    await expect(decode(5)).rejects.toMatchObject(refused(`image.decode: source is 5; ${expected}`));
    await expect(decode("")).rejects.toMatchObject(refused(`image.decode: source is ""; ${expected}`));
    await expect(encode(pixels(1, 1), { type: "gif" })).rejects.toMatchObject(
      refused('image.encode: type is "gif"; expected "png", "jpeg" or "webp"'),
    );
    await expect(encode(pixels(1, 1), { quality: 80 })).rejects.toMatchObject(
      refused("image.encode: quality is 80; expected a number from 0 to 1"),
    );
    await expect(encode({ ...pixels(1, 1), width: 2 })).rejects.toMatchObject({ code: "shape-mismatch" });
  });

  it("go there and back", async () => {
    const source = { data: Uint8Array.of(1, 2, 3, 255, 200, 100, 50, 128), width: 2, height: 1 };
    const back = await image.decode(await image.encode(source));
    expect([back.width, back.height, Array.from(back.data)]).toEqual([2, 1, Array.from(source.data)]);
  });
});
