import assert from "node:assert/strict";
import { test } from "node:test";
import { pauseOf } from "../src/pause.ts";

const form = (fields: Record<string, string>): FormData => {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  return data;
};

test("a pause ends by the clock of the zone that was chosen", () => {
  const at = Date.UTC(2030, 5, 1, 10);
  const until = "2030-06-01T12:00:00";
  assert.deepEqual(pauseOf(form({ reason: " moved ", until, zone: "Europe/Berlin" })), { reason: "moved", until: at });
  assert.deepEqual(pauseOf(form({ reason: "", until, zone: "UTC" })), { until: at + 7_200_000 });
});

test("nothing that was typed is nothing that is said", () => {
  assert.deepEqual(pauseOf(form({ reason: "  ", until: "", zone: "UTC" })), {});
});

test("an end that was not touched keeps its milliseconds", () => {
  const was = Date.UTC(2030, 5, 1, 10) + 123;
  assert.deepEqual(pauseOf(form({ until: "2030-06-01T10:00:00", zone: "UTC" }), was), { until: was });
  assert.deepEqual(pauseOf(form({ until: "2030-06-01T10:00:01", zone: "UTC" }), was), { until: was + 877 });
});
