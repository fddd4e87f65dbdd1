/**
 * Filters a photograph and writes PNG files: `npm start -- photo.jpg`. Everything here uses the package as its users do.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { createEngine, type Engine, image, type Tensor } from "lenslet";
import { FILTER_HELP, type FilterArguments, readFilterArguments } from "./arguments.ts";
import { readPhoto, runCommand } from "./command.ts";
import { contactSheet } from "./feature-maps.ts";
import { type Picture, pictures, type Photo, upload } from "./pictures.ts";
import { median, paint, type Row, table } from "./report.ts";

const RUNS = 7;
/** Milliseconds after which a picture is not made once more for the clock. */
const BUDGET = 1000;

async function main({ photo, out, worker, build }: FilterArguments): Promise<void> {
  const pixels = await readPhoto(photo);
  await mkdir(out, { recursive: true });

  const engine = await createEngine({ worker, build });
  try {
    const { info } = engine;
    const place = info.host === "thread" ? "this thread" : `a worker (${info.host})`;
    console.log(`\n${paint("bold", basename(photo))}  ${pixels.width} × ${pixels.height}`);
    console.log(`lenslet ${info.version}, ${paint("bold", info.build)} build, in ${place}, ${process.version}\n`);

    const tensors = upload(engine, pixels);
    const rows: Row[] = [];
    for (const picture of pictures) rows.push(await produce(engine, picture, tensors, out));
    console.log(table(rows));
    console.log(`\n${paint("dim", `ms: the median of up to ${RUNS} runs, result copied out of the engine`)}`);
    console.log(`PNG files in ${paint("bold", relative(process.cwd(), out) || ".")}\n`);
  } finally {
    engine.dispose();
  }
}

async function produce(engine: Engine, picture: Picture, photo: Photo, out: string): Promise<Row> {
  const times: number[] = [];
  let result = await timed(engine, picture, photo, times);
  while (times.length < RUNS && times.reduce((sum, time) => sum + time, 0) < BUDGET) {
    result.dispose();
    result = await timed(engine, picture, photo, times);
  }

  const pixels =
    picture.name === "feature-maps"
      ? contactSheet(result.shape, await result.data())
      : await image.toPixels(result, { range: picture.range });
  await writeFile(join(out, `${picture.name}.png`), await image.encode(pixels, { type: "png" }));
  const row = {
    name: `${picture.name}.png`,
    from: size(photo.colour),
    to: size(result),
    milliseconds: median(times),
    how: picture.how,
  };
  result.dispose();
  return row;
}

/** Makes a picture and notes how long it took until its values were here. */
async function timed(engine: Engine, picture: Picture, photo: Photo, times: number[]): Promise<Tensor> {
  const start = performance.now();
  const result = engine.scope(() => picture.make(engine, photo));
  await result.data();
  times.push(performance.now() - start);
  return result;
}

function size({ shape: [, h, w, c] }: Tensor): string {
  return `${w} × ${h}${c === 3 || c === 1 ? "" : ` × ${c}`}`;
}

await runCommand(FILTER_HELP, readFilterArguments, main);
