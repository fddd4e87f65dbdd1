import type { ResizeAttributes } from "../../model/attributes.ts";
import { floats } from "../../model/constant.ts";
import type { ValueName } from "../../model/graph.ts";
import type { GraphBuilder } from "../builder.ts";
import type { OnnxNode } from "../node.ts";
import { type Operators, oneBefore } from "./operator.ts";

const MODES = ["nearest", "linear", "cubic"] as const;
const TRANSFORMATIONS = [
  ...(["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"] as const),
  ...(["tf_crop_and_resize", "tf_half_pixel_for_nn"] as const),
] as const;

const NEAREST_MODES = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"] as const;

/** What Resize did before version 11, and Upsample always does: pixels are points, and scaled from the first. */
const OLD: Omit<ResizeAttributes, "mode"> = {
  coordinateTransformationMode: "asymmetric",
  nearestMode: "floor",
  cubicCoeffA: -0.75,
  excludeOutside: false,
  extrapolationValue: 0,
  antialias: false,
  axes: [],
  keepAspectRatioPolicy: "stretch",
};

/** Resizing of images. */
export const resizing: Operators = {
  Resize: {
    inputs: (version) => (version < 11 ? [2, 2] : [1, 4]),
    add: (node, graph) => {
      if (node.version < 11) addOld(node, graph, node.inputs[1]);
      else addResize(node, graph);
    },
  },
  Upsample: {
    inputs: oneBefore(9, [2, 2]),
    add: (node, graph) => {
      const { attributes, version } = node;
      const constant = (scales: readonly number[]): string =>
        graph.constant(`${node.name}/scales`, floats(Float32Array.from(scales)));
      if (version < 7) {
        const [h, w] = [attributes.float("height_scale", 1), attributes.float("width_scale", 1)];
        addOld(node, graph, constant([1, 1, h, w]));
      } else if (version < 9) {
        addOld(node, graph, constant(attributes.required("scales", attributes.floats("scales"))));
      } else {
        addOld(node, graph, node.inputs[1]);
      }
    },
  },
};

function addOld(node: OnnxNode, graph: GraphBuilder, scales: ValueName | undefined): void {
  const mode = node.attributes.oneOf("mode", ["nearest", "linear", "bilinear"]);
  const inputs = [node.inputs[0], undefined, node.attributes.required("scales", scales)];
  graph.add({ ...node.base, inputs, op: "Resize", attributes: { ...OLD, mode: mode === "nearest" ? mode : "linear" } });
}

function addResize(node: OnnxNode, graph: GraphBuilder): void {
  const { attributes } = node;
  // An operand that is not wanted could for a time only be left empty, not out.
  const operand = (index: number): ValueName | undefined => {
    const name = node.inputs[index];
    return graph.constantOf(name)?.data.length === 0 ? undefined : name;
  };
  const [scales, sizes] = [operand(2), operand(3)];
  if (scales === undefined) node.attributes.required("scales or sizes", sizes);
  const inputs = [node.inputs[0], operand(1), scales, sizes];
  const mode = attributes.oneOf("mode", MODES);
  const resize: ResizeAttributes = {
    mode,
    ...sampling(node, mode),
    cubicCoeffA: attributes.float("cubic_coeff_a", -0.75),
    excludeOutside: attributes.flag("exclude_outside", false),
    extrapolationValue: attributes.float("extrapolation_value", 0),
    antialias: attributes.flag("antialias", false),
    axes: attributes.ints("axes") ?? [],
    keepAspectRatioPolicy: attributes.oneOf("keep_aspect_ratio_policy", ["stretch", "not_larger", "not_smaller"]),
  };
  graph.add({ ...node.base, inputs, op: "Resize", attributes: resize });
}

/** Where output pixels lie in the input, and which input pixel is nearest. */
function sampling(
  node: OnnxNode,
  mode: ResizeAttributes["mode"],
): Pick<ResizeAttributes, "coordinateTransformationMode" | "nearestMode"> {
  const transformation = node.attributes.oneOf("coordinate_transformation_mode", TRANSFORMATIONS);
  const nearestMode = node.attributes.oneOf("nearest_mode", NEAREST_MODES);
  if (transformation !== "tf_half_pixel_for_nn") return { coordinateTransformationMode: transformation, nearestMode };
  // Half a pixel more than half_pixel: what one rounds at the half, the other does at the whole, and the reverse.
  const nearest = mode === "nearest" ? TF_NEAREST.get(nearestMode) : undefined;
  if (nearest === undefined)
    node.unsupported("tf_half_pixel_for_nn, but for the nearest by floor or round_prefer_floor");
  return { coordinateTransformationMode: "half_pixel", nearestMode: nearest ?? nearestMode };
}

/** What floor(x + 0.5), and x + 0.5 rounded, halves down, are of x. */
const TF_NEAREST: ReadonlyMap<string, ResizeAttributes["nearestMode"]> = new Map([
  ["floor", "round_prefer_ceil"],
  ["round_prefer_floor", "ceil"],
]);
