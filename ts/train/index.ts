/** What `load` fetches of training once a model is to be trained, or to be given weights. */
export { withWeights } from "./state.ts";
export { Trainable } from "./trainable.ts";
