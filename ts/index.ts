/**
 * Convolutional networks at native speed, anywhere JavaScript runs.
 *
 * @packageDocumentation
 */
export { type EngineOptions, createEngine } from "./create.ts";
