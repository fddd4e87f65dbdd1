import type { ValueName } from "../model/graph.ts";
import { malformed, quote } from "./malformed.ts";
import type { FileNode } from "./node.ts";

/**
 * The nodes, each behind those whose values it reads, otherwise in the order in which they came. Throws for a cycle, for a
 * value that two nodes make, and for one that nothing makes; `given` are the names of inputs and constants.
 */
export function inOrder(nodes: readonly FileNode[], given: ReadonlySet<ValueName>): FileNode[] {
  const makers = makersOf(nodes, given);
  const ordered: FileNode[] = [];
  const state = new Map<FileNode, "open" | "done">();
  for (const root of nodes) {
    // Depth first, without recursion: a chain may be longer than the stack.
    const path: { readonly node: FileNode; next: number }[] = [];
    const enter = (node: FileNode): void => {
      if (state.get(node) === "done") return;
      if (state.get(node) === "open")
        throw malformed(`the graph is cyclic: node ${quote(node.name)} needs its own output`);
      state.set(node, "open");
      path.push({ node, next: 0 });
    };
    enter(root);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const input = top.node.inputs[top.next++];
      if (input === undefined) {
        path.pop();
        state.set(top.node, "done");
        ordered.push(top.node);
      } else if (input !== "" && !given.has(input)) {
        const maker = makers.get(input);
        if (maker === undefined)
          throw malformed(`node ${quote(top.node.name)} reads ${quote(input)}, which nothing makes`);
        enter(maker);
      }
    }
  }
  return ordered;
}

function makersOf(nodes: readonly FileNode[], given: ReadonlySet<ValueName>): Map<ValueName, FileNode> {
  const makers = new Map<ValueName, FileNode>();
  for (const node of nodes) {
    for (const output of node.outputs) {
      if (output === "") continue;
      if (given.has(output) || makers.has(output)) {
        throw malformed(`node ${quote(node.name)} makes ${quote(output)}, which the graph has already`);
      }
      makers.set(output, node);
    }
  }
  return makers;
}
