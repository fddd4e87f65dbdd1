import { type Counts, counted, type Suite, show } from "./suite.ts";

/** The Rust tests on this machine: the same kernels, through the portable backend. */
export const rust: Suite = {
  name: "Rust, on the host",
  async run() {
    const { code, output } = await show("cargo", [
      "test",
      "--workspace",
      "--locked",
      "--features",
      "lenslet-wasm/training",
    ]);
    return countCargoTests(code, output);
  },
};

/** Adds up the line that each of cargo's test programs ends with. */
export function countCargoTests(code: number, output: string): Counts {
  let passed = 0;
  let failed = 0;
  for (const [, ok, bad] of output.matchAll(/^test result: .*? (\d+) passed; (\d+) failed;/gm)) {
    passed += Number(ok);
    failed += Number(bad);
  }
  return counted(code, passed, failed);
}
