import { createEngine } from "lenslet";
import { expect, test } from "vitest";
import { LoadedNetworks } from "./loaded-networks.ts";
import type { Network } from "./network.ts";

const network = { id: "faces", name: "BlazeFace", address: undefined } as Partial<Network> as Network;

test("a network whose file could not be had is told of in one sentence, and can be asked for again", async () => {
  const engine = await createEngine();
  const networks = new LoadedNetworks(() => undefined);
  for (const _ of [1, 2]) {
    const coming = networks.bring(engine, network);
    expect(networks.isComing(network)).toBe(true);
    await expect(coming).rejects.toThrow(
      "BlazeFace is not here: its file comes from npm when the page is built, and npm could not be reached.",
    );
    expect(networks.isComing(network)).toBe(false);
  }
  expect(networks.in(engine, network)).toBeUndefined();
  engine.dispose();
});
