import assert from "node:assert/strict";
import { test } from "node:test";
import { columnsOf, isSpan, totalsOf } from "../src/series.ts";
import type { Point } from "../src/types.gen.ts";

const of = (at: number, success: number, failed: number, drift: number | null): Point => {
  const d = drift === null ? null : { p50: drift, p90: drift, p99: drift * 2, max: drift * 3 };
  return {
    at,
    executions: { success, failed, skipped: 1, missed: 2, unknown: 1 },
    retries: 4,
    driftMs: d,
    durationMs: d,
  } as Point;
};

test("every step has a point", () => {
  const c = columnsOf([of(120, 5, 1, 10), of(240, 7, 0, null)], 60, 300, 60);
  assert.deepEqual(c.at, [60, 120, 180, 240]);
  assert.deepEqual(c.success, [0, 5, 0, 7]);
  assert.deepEqual(c.failed, [0, 2, 0, 1]);
  assert.deepEqual(c.notSent, [0, 3, 0, 3]);
  assert.deepEqual(c.driftP50, [null, 10, null, null]);
  assert.deepEqual(c.driftP99, [null, 20, null, null]);
});

test("points add up", () => {
  assert.deepEqual(totalsOf([of(0, 5, 1, 10), of(60, 7, 0, null)]), {
    success: 12,
    failed: 3,
    notSent: 6,
    retries: 8,
    worstDrift: 30,
  });
  assert.equal(totalsOf([]).worstDrift, null);
});

test("a span is one of three", () => {
  assert.deepEqual(["hour", "day", "week", "toString", "", null].map(isSpan), [true, true, true, false, false, false]);
});
