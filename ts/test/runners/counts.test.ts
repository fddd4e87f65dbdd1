import { expect, test } from "vitest";
import { countCargoTests } from "./rust.ts";
import { counted } from "./suite.ts";

const ended = (passed: number, failed: number): string =>
  `test result: ${failed === 0 ? "ok" : "FAILED"}. ${passed} passed; ${failed} failed; 0 ignored; finished in 0.1s\n`;

test("the counts of all of cargo's test programs are added up", () => {
  expect(countCargoTests(0, ended(3, 0) + ended(0, 0) + ended(4, 0))).toEqual({ passed: 7, failed: 0 });
  expect(countCargoTests(101, ended(3, 0) + ended(4, 2))).toEqual({ passed: 7, failed: 2 });
});

test("a runner that ends badly without a failed test has failed", () => {
  expect(countCargoTests(101, "error: could not compile")).toEqual({ passed: 0, failed: 1 });
  expect(counted(1, 5, 0)).toEqual({ passed: 5, failed: 1 });
  expect(counted(1, 5, 2)).toEqual({ passed: 5, failed: 2 });
  expect(counted(0, 5, 0)).toEqual({ passed: 5, failed: 0 });
});
