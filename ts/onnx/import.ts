/** ONNX files as graphs. */
import type { Graph, ValueInfo, ValueName } from "../model/graph.ts";
import { GraphBuilder } from "./builder.ts";
import { decodeModel } from "./decode.ts";
import { type ExternalData, isExternal, locationOf } from "./external.ts";
import { opsetsOf, withoutCalls } from "./functions.ts";
import { malformed, quote } from "./malformed.ts";
import { type FileNode, type NodeBase, OnnxNode } from "./node.ts";
import { operators } from "./operators/index.ts";
import type { Operator } from "./operators/operator.ts";
import { inOrder } from "./order.ts";
import { Problems } from "./problems.ts";
import type { GraphProto, ModelProto, TensorProto } from "./proto/onnx_pb.ts";
import type { TensorFiles } from "./tensor.ts";
import { infoOf, shapeOf } from "./value-info.ts";

export type { ExternalData } from "./external.ts";

/** Newest version of ONNX's operator set whose changes are known here. */
const NEWEST_OPSET = 28;

/** A decoded file. */
export interface OnnxFile {
  /** The files beside it that hold some of its tensors: paths relative to it. */
  readonly externalLocations: readonly string[];
  /** The graph. `externalData` must have the contents of all `externalLocations`. */
  toGraph(externalData?: ExternalData): Graph;
}

/** Options of {@link readOnnx}. */
export interface ReadOnnxOptions {
  /**
   * Whether the importer may change `bytes`, which are of no other use afterwards: weights are then moved by up to three
   * bytes to where they can be read as numbers, instead of being copied. Default false.
   */
  readonly owned?: boolean;
}

/**
 * Decodes a file. Its weights stay where they are: `bytes` must not change as long as the graph is in use.
 *
 * @throws {LensletError} `model-invalid`.
 */
export function readOnnx(bytes: Uint8Array, { owned = false }: ReadOnnxOptions = {}): OnnxFile {
  const model = decodeModel(bytes);
  const externalLocations = [...new Set([...tensorsOf(model)].filter(isExternal).map(locationOf))];
  return { externalLocations, toGraph: (external = new Map()) => importModel(model, { external, movable: owned }) };
}

/**
 * The graph of an ONNX file of opset 1 to 28: every operator in its latest form, floats of other precisions as float32,
 * functions unfolded. Sizes, and which operands fit together, are checked only when the graph is specialised.
 *
 * @throws {LensletError} `model-invalid` where the file is malformed; `model-unsupported` with a list of all operators,
 * attributes and types that there are not.
 */
export function importOnnx(bytes: Uint8Array, externalData?: ExternalData): Graph {
  return readOnnx(bytes).toGraph(externalData);
}

function* tensorsOf({ graph, functions }: ModelProto): Generator<TensorProto> {
  yield* graph?.initializer ?? [];
  for (const { node } of [...(graph === undefined ? [] : [graph]), ...functions]) {
    for (const { attribute } of node) {
      for (const { t } of attribute) if (t !== undefined) yield t;
    }
  }
}

function importModel(model: ModelProto, files: TensorFiles): Graph {
  const { graph } = model;
  if (graph === undefined) throw malformed("the file has no graph");
  const problems = new Problems();
  const opsets = new Map(opsetsOf(model.opsetImport));
  // The first versions of the format had no other.
  if (!opsets.has("") && model.irVersion < 3n) opsets.set("", 1);
  const nodes = withoutCalls(graph.node, opsets, model.functions);

  const names = namesOf(graph, nodes);
  const builder = new GraphBuilder(files, declaredOf(graph), names);
  addConstants(graph, builder, problems);
  const inputs = inputsOf(graph, problems);
  const ordered = inOrder(nodes, new Set([...inputs.keys(), ...graph.initializer.map(({ name }) => name)]));
  const outputs = outputsOf(graph, inputs, nodes);

  const wanted = new Set([...outputs, ...nodes.flatMap((node) => node.inputs)]);
  for (const node of ordered) {
    const inputNames = node.inputs.map((name) => (name === "" ? undefined : name));
    while (inputNames.length > 0 && inputNames.at(-1) === undefined) inputNames.pop();
    const outputNames = node.outputs.map((name, index) => {
      if (name !== "" && (index === 0 || wanted.has(name))) return name;
      return index === 0 ? builder.fresh(`${node.name}/output`) : undefined;
    });
    addNode(node, { name: node.name, inputs: inputNames, outputs: outputNames }, builder, problems);
  }
  problems.throwIfAny();
  return { name: graph.name, inputs, outputs, constants: builder.constants, nodes: builder.nodes };
}

function namesOf(graph: GraphProto, nodes: readonly FileNode[]): Set<ValueName> {
  const declared = [...graph.input, ...graph.initializer, ...graph.output, ...graph.valueInfo];
  return new Set([
    ...declared.map(({ name }) => name),
    ...nodes.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]),
  ]);
}

/** What the file says of the shapes of its values. */
function declaredOf(graph: GraphProto): ReadonlyMap<ValueName, Pick<ValueInfo, "shape">> {
  return new Map(
    [...graph.valueInfo, ...graph.output, ...graph.input].map((info) => [info.name, { shape: shapeOf(info) }]),
  );
}

function addConstants(graph: GraphProto, builder: GraphBuilder, problems: Problems): void {
  for (const { values } of graph.sparseInitializer) problems.add("sparse initialisers", values?.name ?? "");
  const names = new Set<ValueName>();
  for (const tensor of graph.initializer) {
    if (tensor.name === "" || names.has(tensor.name))
      throw malformed(`two initialisers have the name ${quote(tensor.name)}, or none`);
    names.add(tensor.name);
    const constant = builder.read(tensor);
    if (typeof constant === "string") problems.add(`initialisers of type ${constant}`, tensor.name);
    else builder.constants.set(tensor.name, constant);
  }
}

/** The inputs that have no initialiser: older files list those too, and to override one is no longer possible. */
function inputsOf(graph: GraphProto, problems: Problems): Map<ValueName, ValueInfo> {
  const initialised = new Set(graph.initializer.map(({ name }) => name));
  const inputs = new Map<ValueName, ValueInfo>();
  const seen = new Set<ValueName>();
  for (const input of graph.input) {
    const { name } = input;
    if (name === "" || seen.has(name)) throw malformed(`two inputs have the name ${quote(name)}, or none`);
    seen.add(name);
    if (initialised.has(name)) continue;
    const info = infoOf(input);
    if (typeof info === "string") problems.add(`inputs of ${info}`, name);
    // A name that is there keeps what reads it in order until all problems are known.
    inputs.set(name, typeof info === "string" ? { type: "float32", shape: undefined } : info);
  }
  return inputs;
}

function outputsOf(
  graph: GraphProto,
  inputs: ReadonlyMap<ValueName, ValueInfo>,
  nodes: readonly FileNode[],
): ValueName[] {
  const made = new Set([
    ...inputs.keys(),
    ...graph.initializer.map(({ name }) => name),
    ...nodes.flatMap((node) => node.outputs),
  ]);
  const outputs = graph.output.map(({ name }) => name);
  if (outputs.length === 0) throw malformed("the graph has no outputs");
  if (new Set(outputs).size < outputs.length) throw malformed("two outputs have the same name");
  for (const name of outputs) {
    if (name === "" || !made.has(name)) throw malformed(`the graph's output ${quote(name)} is made by nothing`);
  }
  return outputs;
}

function addNode(file: FileNode, base: NodeBase, builder: GraphBuilder, problems: Problems): void {
  const domain = file.domain === "" ? "ai.onnx" : file.domain;
  const version = file.opsets.get(file.domain);
  if (version === undefined) {
    throw malformed(`node ${quote(base.name)} is of the operator set ${quote(domain)}, which the file does not import`);
  }
  const known = file.domain === "" && version >= 1 && version <= NEWEST_OPSET;
  const operator = known ? operators.get(file.op) : undefined;
  if (operator === undefined) {
    const range = file.domain === "" && !known ? `; only versions 1 to ${NEWEST_OPSET} are known` : "";
    problems.add(`operator ${file.op} (${domain} ${version}${range})`, base.name);
    return;
  }
  const node = new OnnxNode(file, version, base, problems);
  checkOperands(node, operator);
  operator.add(node, builder);
  for (const attribute of node.attributes.unread()) node.unsupported(`attribute ${quote(attribute)}`);
}

function checkOperands(node: OnnxNode, { inputs, outputs = 1 }: Operator): void {
  const [min, max] = typeof inputs === "function" ? inputs(node.version) : inputs;
  const count = node.inputs.length;
  if (count < min || count > max || node.inputs.slice(0, min).includes(undefined)) {
    const expected = min === max ? `${min}` : `${min} to ${max}`;
    throw malformed(`${node.describe()} has ${count} inputs, or lacks one that it must have; expected ${expected}`);
  }
  if (node.outputs.length === 0) throw malformed(`${node.describe()} has no outputs`);
  for (const output of node.outputs.slice(outputs)) {
    if (output !== undefined) node.unsupported(`more than ${outputs} ${outputs === 1 ? "output" : "outputs"}`);
  }
}
