/** The namespace `schedules`: how the learning rate changes. */
export { constant, cosine, type CosineOptions, type Span, step, type StepOptions, warmUp } from "./schedule.ts";
