import assert from "node:assert/strict";
import { test } from "node:test";
import { hour, hoursOf, sumOf } from "../src/hours.ts";

test("a time is cut at whole hours, the newest first, without a gap", () => {
  const from = 5 * hour + 7;
  const to = 8 * hour + 100;
  assert.deepEqual(hoursOf(from, to), [
    { from: 8 * hour, to: to - 1 },
    { from: 7 * hour, to: 8 * hour - 1 },
    { from: 6 * hour, to: 7 * hour - 1 },
    { from, to: 6 * hour - 1 },
  ]);
  assert.deepEqual(hoursOf(8 * hour, 9 * hour), [{ from: 8 * hour, to: 9 * hour - 1 }]);
  assert.deepEqual(hoursOf(5, 5), []);
});

test("totals are added", () => {
  const one = { expected: 1, recorded: 2, pending: 3, lost: 4, unexpected: 5 };
  assert.deepEqual(sumOf([one, one]), { expected: 2, recorded: 4, pending: 6, lost: 8, unexpected: 10 });
  assert.equal(sumOf([]).expected, 0);
});
