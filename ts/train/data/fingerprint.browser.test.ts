import { expect, test } from "vitest";
import { FINGERPRINT, fingerprint } from "./testing/fingerprint.ts";

test("orders and augmented pictures are the same bits in the browser as in Node", async () => {
  expect(await fingerprint()).toEqual(FINGERPRINT);
});
