/** The passes in their order. */
import type { Activation } from "../../ops/activation.ts";
import type { KnownGraph, Node } from "../graph.ts";
import { foldAffine } from "./fold-affine.ts";
import { fuseActivation, fuseResidual } from "./fuse-layer.ts";
import { fusePad } from "./fuse-pad.ts";
import { narrowResidual } from "./narrow-residual.ts";
import { recognise } from "./recognise.ts";
import { withoutDead } from "../specialise/specialise.ts";
import { flattenVolumes } from "./volume.ts";
import { mergeCommon, mergeTransposes, removeIdentities } from "./remove.ts";

/** Passes for inference. Each makes a graph that computes the same outputs, and finds more when those before it have run. */
const PASSES: readonly ((graph: KnownGraph) => KnownGraph)[] = [
  removeIdentities,
  mergeTransposes,
  mergeCommon,
  // Before affine functions are merged: the "+ 3" of a hard swish is one.
  recognise,
  withoutDead,
  foldAffine,
  // Behind batch normalisation, which may lie between a Pad and its convolution.
  fusePad,
  // Once weights are merged, and before what images take: residuals, activations.
  flattenVolumes,
  fuseResidual,
  narrowResidual,
  fuseActivation,
  withoutDead,
];

/** A graph of the same outputs, of as few and as large operators as can be. */
export function optimise(graph: KnownGraph): KnownGraph {
  return PASSES.reduce((current, pass) => pass(current), graph);
}

/** What training leaves as it is. */
export interface TrainingPasses {
  /** Nodes that do nothing in inference, but something in training. */
  readonly isKept: (node: Node) => boolean;
  /** Whether an activation may become part of the layer before it, so that what goes into it is not kept. */
  readonly mayFuse: (node: Node, activation: Activation) => boolean;
}

/**
 * {@link optimise} for a network of which what is trained is an input: passes that fold constants leave it alone, and the
 * results stay the same functions of it.
 */
export function optimiseTraining(graph: KnownGraph, { isKept, mayFuse }: TrainingPasses): KnownGraph {
  return PASSES.reduce((current, pass) => {
    if (pass === removeIdentities) return removeIdentities(current, isKept);
    if (pass === fuseActivation) return fuseActivation(current, mayFuse);
    // The gradient of a residual is as wide as the sum's.
    if (pass === narrowResidual) return current;
    return pass(current);
  }, graph);
}
