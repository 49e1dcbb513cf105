import assert from "node:assert/strict";
import { test } from "node:test";
import { rangeOf } from "../src/ui/chart.tsx";

test("a chart of few points shows a minute, and not years", () => {
  assert.deepEqual(rangeOf(undefined, 1000, 1000), [940, 1000]);
  assert.deepEqual(rangeOf(undefined, 990, 1000), [940, 1000]);
  assert.deepEqual(rangeOf(undefined, 0, 1000), [0, 1000]);
  const [from, to] = rangeOf(undefined, null, null);
  assert.equal(to - from, 60);
});
