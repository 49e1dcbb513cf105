import assert from "node:assert/strict";
import { test } from "node:test";
import { placeOf, stepsOf } from "../src/attempts.ts";
import type { ExecutionWithAttempts } from "../src/types.gen.ts";

const execution = (e: Partial<ExecutionWithAttempts>): ExecutionWithAttempts => ({
  id: "e",
  jobId: "j",
  status: "SUCCESS",
  scheduledAt: 1000,
  startedAt: 1005,
  completedAt: 2000,
  duration: 995,
  httpStatus: 200,
  error: null,
  manual: false,
  retryCount: 0,
  version: 1,
  attempts: [],
  ...e,
});

const attempt = (number: number, startedAt: number, completedAt: number | null) => {
  return { number, startedAt, completedAt, httpStatus: completedAt === null ? null : 500, error: null };
};

const kinds = (e: ExecutionWithAttempts, now = 9000) => stepsOf(e, now).map((s) => [s.kind, s.from, s.to]);

test("an execution is how late it was, its attempts and the waits between them", () => {
  assert.deepEqual(kinds(execution({ attempts: [attempt(1, 1005, 1500), attempt(2, 1900, 2000)] })), [
    ["late", 1000, 1005],
    ["attempt", 1005, 1500],
    ["wait", 1500, 1900],
    ["attempt", 1900, 2000],
  ]);
});

test("what has not ended goes on until now, or until its next attempt", () => {
  const open = { completedAt: null, duration: null };
  assert.deepEqual(kinds(execution({ ...open, attempts: [attempt(1, 1000, null)] })), [["attempt", 1000, 9000]]);
  assert.deepEqual(kinds(execution({ ...open, nextAttemptAt: 9500, attempts: [attempt(1, 1000, 1500)] })), [
    ["attempt", 1000, 1500],
    ["wait", 1500, 9500],
  ]);
  assert.deepEqual(kinds(execution({ ...open, startedAt: null })), [["late", 1000, 9000]]);
});

test("what was never sent has no steps", () => {
  assert.deepEqual(kinds(execution({ status: "SKIPPED", startedAt: null, attempts: [] })), []);
});

test("each step has a place that can be seen", () => {
  const steps = stepsOf(execution({ attempts: [attempt(1, 1000, 1000), attempt(2, 101_000, 101_000)] }), 0);
  for (const s of steps) {
    const { left, width } = placeOf(s, steps);
    assert.ok(width >= 1 && left >= 0 && left + width <= 100.001, JSON.stringify({ s, left, width }));
  }
});
