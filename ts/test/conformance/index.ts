/** All conformance cases by subject. An adapter runs them on an engine; it knows the test runner, they do not. */
import { cases as along } from "./along.ts";
import { cases as arrange } from "./arrange.ts";
import type { Case } from "./case.ts";
import { cases as conv } from "./conv.ts";
import { cases as convTranspose } from "./conv-transpose.ts";
import { cases as elementwise } from "./elementwise.ts";
import { cases as filters } from "./filters.ts";
import { cases as image } from "./image.ts";
import { cases as lifetime } from "./lifetime.ts";
import { cases as model } from "./model.ts";
import { cases as normResize } from "./norm-resize.ts";
import { cases as pool } from "./pool.ts";

export const subjects: Readonly<Record<string, readonly Case[]>> = {
  convolution: conv,
  "transposed convolution": convTranspose,
  pools: pool,
  "arithmetic and activations": elementwise,
  "along axes": along,
  "elements moved": arrange,
  "norms and resizing": normResize,
  filters,
  images: image,
  lifetime,
  models: model,
};
