import assert from "node:assert/strict";
import { test } from "node:test";
import { compact, count, duration, percent, plural, rate } from "../src/format.ts";

test("numbers have their units", () => {
  assert.equal(count(1234567), "1,234,567");
  assert.deepEqual([0, 9999, 10_000, 999_600, 1_234_567, 2e9].map(compact), [
    "0",
    "9,999",
    "10 k",
    "1 M",
    "1.23 M",
    "2 G",
  ]);
  assert.deepEqual(
    [1, 2, 1000].map((n) => plural(n, "job")),
    ["1 job", "2 jobs", "1,000 jobs"],
  );
  assert.deepEqual([0, 0.2, 12.34, 1240, 2 / 3600].map(rate), ["0/s", "0.2/s", "12.3/s", "1,240/s", "2/h"]);
});

test("a duration has at most two units", () => {
  for (const [ms, text] of [
    [0, "0 ms"],
    [0.25, "0.25 ms"],
    [340, "340 ms"],
    [1250, "1.25 s"],
    [59_949, "59.9 s"],
    [59_950, "1 min"],
    [200_000, "3 min 20 s"],
    [7_500_000, "2 h 5 min"],
    [273_600_000, "3 d 4 h"],
    [-1500, "-1.5 s"],
  ] as const) {
    assert.equal(duration(ms), text);
  }
});

test("a rate of success is never rounded up to all", () => {
  assert.equal(percent(999_999, 1_000_000), "99.99 %");
  assert.equal(percent(5, 5), "100.00 %");
  assert.equal(percent(0, 0), "–");
});
