/** All mistakes that throw at once. */
import type { Mistake } from "./mistake.ts";
import { along } from "./along.ts";
import { owners } from "./owners.ts";
import { shapes, sizes } from "./shapes.ts";
import { values } from "./values.ts";

export const mistakes: readonly Mistake[] = [...values, ...shapes, ...sizes, ...along, ...owners];
