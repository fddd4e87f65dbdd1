/** What time is measured by. */

export type Clock = "wall" | "cpu";

/** Milliseconds that passed, or that this process computed: others on the machine disturb the second less. */
export function clock(which: Clock): () => number {
  if (which === "wall") return () => performance.now();
  return () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e3;
  };
}
