import assert from "node:assert/strict";
import { test } from "node:test";
import type { CurrentSpec } from "../src/types.gen.ts";
import { differences, fieldsThatDiffer, shownValue } from "../src/views/diff.ts";

const spec = {
  schedule: "* * * * * *",
  retry: { maxRetries: 3 },
  headers: { "X-Team": "a", "X.Dotted": "b" },
  tags: ["x"],
} as unknown as CurrentSpec;

test("a field is found by the name that the API gives it", () => {
  const v = { isActive: false, spec };
  assert.equal(shownValue(v, "isActive"), "paused");
  assert.equal(shownValue(v, "schedule"), "* * * * * *");
  assert.equal(shownValue(v, "retry.maxRetries"), "3");
  assert.equal(shownValue(v, "headers.X-Team"), "a");
  assert.equal(shownValue(v, "headers.X.Dotted"), "b");
  assert.equal(shownValue(v, "tags"), '["x"]');
  assert.equal(shownValue(v, "signing.secrets"), "–");
  assert.equal(shownValue(v, "body"), "–");
});

test("the end of a pause is read with its zone", () => {
  const a = { isActive: true, spec };
  const b = { isActive: false, pausedReason: "moved", pausedUntil: Date.UTC(2030, 0), spec };
  const fields = fieldsThatDiffer(a, b);
  assert.deepEqual(fields, ["isActive", "pausedReason", "pausedUntil"]);
  assert.deepEqual(differences(a, b, fields).slice(1), [
    { field: "pausedReason", before: "–", after: "moved" },
    { field: "pausedUntil", before: "–", after: "2030-01-01T00:00:00.000Z" },
  ]);
});

test("two versions differ in the fields in which they do", () => {
  const a = { isActive: true, spec };
  const b = { isActive: true, spec: { ...spec, retry: { maxRetries: 5 }, headers: { "X-Team": "a" }, name: "n" } };
  assert.deepEqual(fieldsThatDiffer(a, a), []);
  const fields = fieldsThatDiffer(a, b);
  assert.deepEqual(fields, ["headers.X.Dotted", "name", "retry.maxRetries"]);
  assert.deepEqual(differences(a, b, fields), [
    { field: "headers.X.Dotted", before: "b", after: "–" },
    { field: "name", before: "–", after: "n" },
    { field: "retry.maxRetries", before: "3", after: "5" },
  ]);
});

test("long values are cut", () => {
  const long = { isActive: true, spec: { ...spec, schedule: "x".repeat(500) } };
  assert.equal(differences(long, long, ["schedule"])[0]?.before.length, 201);
});
