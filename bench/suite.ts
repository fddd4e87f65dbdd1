/** A whole run in one thread: opens the runtimes that are there, measures case after case. The same in Node and in a page. */
import { type Contender, measure, type Selected } from "./measure.ts";
import { measuredMachine } from "./peak.ts";
import { peers } from "./peers/all.ts";
import type { Environment } from "./peers/peer.ts";
import type { CaseReport } from "./report.ts";
import { reason, type Schedule } from "./timing.ts";

export interface SuiteOptions extends Schedule {
  readonly cases: readonly Selected[];
  /** Names of the peers that take part. */
  readonly peers: readonly string[];
}

export interface SuiteResult {
  readonly cases: readonly CaseReport[];
  readonly opened: readonly { readonly name: string; readonly about: string; readonly missing: boolean }[];
  readonly fused: boolean;
  readonly bandwidth: number;
}

export async function runSuite(
  options: SuiteOptions,
  environment: Environment,
  progress: (line: string) => void,
): Promise<SuiteResult> {
  const machine = await measuredMachine();
  const bytes = 64 * 2 ** 20;
  const bandwidth = (2 * bytes) / machine.copy(bytes) / 1e6;
  const contenders: Contender[] = [];
  const opened: { name: string; about: string; missing: boolean }[] = [];
  for (const peer of peers) {
    if (!options.peers.includes(peer.name) || !peer.hosts.includes(environment.host)) continue;
    try {
      const runtime = await peer.open(environment);
      contenders.push({ name: peer.name, runtime });
      opened.push({ name: peer.name, about: runtime.about, missing: false });
    } catch (error) {
      opened.push({ name: peer.name, about: reason(error), missing: true });
      progress(`${peer.name} does not take part: ${reason(error)}`);
    }
  }
  const cases: CaseReport[] = [];
  for (const [index, selected] of options.cases.entries()) {
    progress(`${index + 1}/${options.cases.length} ${selected.layer.name}`);
    const report = await measure(selected, contenders, machine, options);
    for (const [name, times] of Object.entries(report.compute)) {
      if ("error" in times) progress(`  ${name}: ${times.error}`);
    }
    cases.push(report);
  }
  for (const { runtime } of contenders) await runtime.close();
  return { cases, opened, fused: machine.fused, bandwidth };
}
