/** What a rule of inference is. */
import type { Attributes, OpType } from "../../attributes.ts";
import type { KnownInfo } from "../../graph.ts";
import type { Operands } from "../operands.ts";

/** Types and shapes of all outputs that the operator can have, from what is known of its inputs. Throws what is wrong. */
export type Rule<T extends OpType> = (at: Operands, attributes: Attributes[T]) => readonly KnownInfo[];

/** Rules by operator. */
export type Rules<T extends OpType> = { readonly [K in T]: Rule<K> };
