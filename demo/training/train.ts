/**
 * Trains a CNN, and beside it a flat network of as many parameters, and compares what they have learnt: `npm run train`.
 * Everything here uses the package as its users do.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { createEngine, data, type Dataset, type Engine, type Graph, image, type Model } from "lenslet";
import { UsageError } from "../node/arguments.ts";
import { runCommand } from "../node/command.ts";
import { columns, paint, Progress } from "../node/report.ts";
import { readTrainArguments, TRAIN_HELP, type TrainArguments } from "./arguments.ts";
import { chartSheet, type Line } from "./chart.ts";
import { type Result, type Samples, train } from "./contest.ts";
import { convolutional, FEATURE_MAPS, FIRST_FILTERS, fullyConnected } from "./networks.ts";
import { sampleSet, type SampleSet, type SetName } from "./samples.ts";
import { type FilterBank, filterSheet, mapSheet, type Maps } from "./sheets.ts";

/** By how many pixels, at most, the test's pictures are moved. */
const MOVES = [0, 1, 2, 3, 4, 6];
/** Those of the table. */
const SHOWN = [2, 4];

async function main(asked: TrainArguments): Promise<void> {
  const set = fetched(asked.set);
  const samples = await read(set, asked);
  const { inputShape, classes = [] } = samples.training;
  await mkdir(asked.out, { recursive: true });

  const engine = await createEngine({ training: true, worker: asked.worker, build: asked.build });
  try {
    const where = engine.info.host === "thread" ? "this thread" : "a worker";
    console.log(
      `\n${paint("bold", set.title)}  ${samples.training.size.toLocaleString("en")} to train on, ${samples.test.size.toLocaleString("en")} to test by`,
    );
    console.log(
      `lenslet ${engine.info.version}, ${paint("bold", engine.info.build)} build, in ${where}, ${process.version}\n`,
    );

    const { seed, out } = asked;
    const graph = convolutional(inputShape, classes.length, seed);
    const cnn = await contend(engine, "CNN", graph, samples, asked);
    const rival = fullyConnected(inputShape, classes.length, cnn.parameters, seed);
    const flat = await contend(engine, "flat", rival, samples, asked);
    console.log(report({ CNN: cnn, flat }, asked));

    await writeFile(join(out, "cnn.onnx"), await cnn.model.save());
    await writeFile(join(out, "curves.svg"), curves(set.title, cnn, flat));
    const filters = filterSheet(filtersOf(graph), filtersOf(cnn.model.graph));
    await writeFile(join(out, "filters.png"), await image.encode(filters));
    const maps = mapSheet(await featureMaps(cnn.model, samples.test));
    await writeFile(join(out, "feature-maps.png"), await image.encode(maps));
    const folder = relative(process.cwd(), out) || ".";
    console.log(`\nlearning curves, filters, feature maps and the CNN in ${paint("bold", folder)}\n`);
  } finally {
    engine.dispose();
  }
}

/** That samples cannot be had, for want of a network say, is no fault of the program. */
function fetched(name: SetName): SampleSet {
  try {
    return sampleSet(name);
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

async function read({ training, test, classes }: SampleSet, { samples, set }: TrainArguments): Promise<Samples> {
  const [all, unseen] = await Promise.all([data.idx({ ...training, classes }), data.idx({ ...test, classes })]);
  if (samples !== undefined && samples > all.size)
    throw new UsageError(`--samples is ${samples}, but ${set} has ${all.size} to train on`);
  return {
    training: samples === undefined ? all : data.subset(all, 0, samples),
    test: unseen,
    moved: MOVES.map((pixels) => ({ pixels, dataset: data.augment(unseen, { shift: pixels, seed: 1 }) })),
  };
}

/** Trains one of the two, and shows how far it is. */
async function contend(
  engine: Engine,
  name: string,
  graph: Graph,
  samples: Samples,
  recipe: TrainArguments,
): Promise<Result> {
  const bar = new Progress(`training the ${name} network`);
  try {
    return await train(engine, graph, samples, recipe, (part, accuracy) =>
      bar.show(part, `${percent(accuracy)} right`),
    );
  } finally {
    bar.end();
  }
}

function report(results: Readonly<Record<string, Result>>, { epochs }: TrainArguments): string {
  const heads = [
    { title: "network", style: "bold" },
    { title: "parameters", right: true },
    { title: "MACs", right: true },
    { title: `time of ${epochs} ${epochs === 1 ? "epoch" : "epochs"}`, right: true },
    { title: "accuracy", right: true, style: "cyan" },
    ...SHOWN.map((pixels) => ({ title: `moved by up to ${pixels} px`, right: true, style: "cyan" as const })),
  ] as const;
  const rows = Object.entries(results).map(([name, { parameters, macs, seconds, accuracy, moved }]) => [
    name,
    parameters.toLocaleString("en"),
    macs.toLocaleString("en"),
    `${seconds.toFixed(1)} s`,
    percent(accuracy),
    ...SHOWN.map((pixels) => percent(moved[MOVES.indexOf(pixels)] ?? 0)),
  ]);
  return columns(heads, rows);
}

function curves(title: string, cnn: Result, flat: Result): string {
  const lines = (of: (result: Result) => Line["points"]): readonly Line[] => [
    { name: "CNN", color: "#d9480f", points: of(cnn) },
    { name: "flat", color: "#1c6fd6", points: of(flat) },
  ];
  const byMove = ({ moved }: Result): Line["points"] => MOVES.map((x, i) => ({ x, y: moved[i] ?? 0 }));
  const share = (value: number): string => `${Number((100 * value).toPrecision(4))}%`;
  return chartSheet(`${title}: a CNN and a flat network of as many parameters`, [
    { title: "loss in training", foot: "steps", format: String, lines: lines(({ losses }) => losses) },
    { title: "accuracy on the test", foot: "epochs", format: share, lines: lines(({ accuracies }) => accuracies) },
    { title: "on moved pictures", foot: "by up to so many pixels", format: share, lines: lines(byMove) },
  ]);
}

/** The filters of a CNN's first layer. */
function filtersOf({ constants }: Graph): FilterBank {
  const filters = constants.get(FIRST_FILTERS);
  if (filters?.type !== "float32") throw new Error(`the network has no ${FIRST_FILTERS}`);
  return filters;
}

/** The test's first picture, and what the CNN's layers make of it. */
async function featureMaps(model: Model, test: Dataset): Promise<readonly Maps[]> {
  const { inputs } = await test.batch(Int32Array.of(0), 0);
  const [h = 0, w = 0, c = 0] = test.inputShape;
  const activations = await model.activations(FEATURE_MAPS, { data: inputs, shape: [1, h, w, c] });
  const seen: Maps[] = [{ shape: [1, c, h, w], data: inputs }];
  for (const name of FEATURE_MAPS) {
    const tensor = activations[name];
    if (tensor === undefined) throw new Error(`the network has no ${name}`);
    seen.push({ shape: tensor.shape, data: await tensor.data() });
    tensor.dispose();
  }
  return seen;
}

function percent(part: number): string {
  return `${(100 * part).toFixed(2)}%`;
}

await runCommand(TRAIN_HELP, readTrainArguments, main);
