import assert from "node:assert/strict";
import { test } from "node:test";
import { type Counters, momentOf, momentOfEvent, quantile, type Sample, sampleOf } from "../src/live.ts";

const text = (ended: number, failed: number, drift: number[]) => `# HELP belfry_in_flight Calls.
belfry_in_flight 3
belfry_queue_depth 1.2e+03
belfry_executions_total{status="SUCCESS"} ${ended - failed}
belfry_executions_total{status="FAILED"} ${failed}
belfry_executions_total{status="SKIPPED"} 0
belfry_drift_seconds_bucket{le="0.001"} ${drift[0]}
belfry_drift_seconds_bucket{le="0.01"} ${drift[1]}
belfry_drift_seconds_bucket{le="+Inf"} ${drift[2]}
go_goroutines 38
`;

test("counters are read", () => {
  assert.deepEqual(sampleOf(text(10, 2, [4, 8, 9]), 5), {
    at: 5,
    ended: { SUCCESS: 8, FAILED: 2, SKIPPED: 0 },
    drift: [
      [0.001, 4],
      [0.01, 8],
      [Number.POSITIVE_INFINITY, 9],
    ],
    inFlight: 3,
    queued: 1200,
  });
});

test("a quantile is of what came in between", () => {
  const of = (...n: number[]): Sample["drift"] =>
    [0.001, 0.01, Number.POSITIVE_INFINITY].map((le, i) => [le, n[i] ?? 0]);
  assert.equal(quantile(of(5, 5, 5), of(5, 5, 5), 0.5), null);
  assert.equal(quantile(of(0, 0, 0), of(100, 100, 100), 0.5), 0.0005);
  assert.equal(quantile(of(100, 100, 100), of(100, 200, 200), 0.5)?.toFixed(6), "0.005500");
  assert.equal(quantile(of(0, 0, 0), of(0, 0, 10), 0.99), 0.01);
});

test("two samples make a rate, and a restart makes none", () => {
  const before = sampleOf(text(10, 2, [10, 10, 10]), 1000);
  const after = sampleOf(text(30, 6, [20, 30, 30]), 3000);
  assert.deepEqual(momentOf([before, after]), {
    at: 3000,
    firesPerSecond: 10,
    failedPerSecond: 2,
    driftMs: { p50: 1, p99: 9.820000000000002 },
    inFlight: 3,
    queued: 1200,
  });
  assert.equal(momentOf([after]), null);
  assert.equal(momentOf([after, { ...before, at: 5000 }]), null);
});

test("an event has its rates, and failures are counted from the one before", () => {
  const completed = { success: 90, failed: 5, skipped: 1, missed: 0, unknown: 1 };
  const e: Counters = { at: 2000, since: 0, completed, firesPerSecond: 12, inFlight: 3, queued: 4 };
  const before = { ...e, at: 1000, completed: { ...completed, failed: 2, unknown: 0 } };
  assert.deepEqual(momentOfEvent({ ...e, driftMs: { p50: 1, p99: 9 } }, before), {
    at: 2000,
    firesPerSecond: 12,
    failedPerSecond: 4,
    driftMs: { p50: 1, p99: 9 },
    inFlight: 3,
    queued: 4,
  });
  assert.equal(momentOfEvent(e, undefined).failedPerSecond, 0);
  assert.equal(momentOfEvent(e, undefined).driftMs, null);
  assert.equal(momentOfEvent({ ...e, since: 1500 }, before).failedPerSecond, 0);
  assert.equal(momentOfEvent(e, { ...before, completed: { ...completed, failed: 50 } }).failedPerSecond, 0);
});
