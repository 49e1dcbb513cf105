import assert from "node:assert/strict";
import { test } from "node:test";
import { Keys } from "../src/keys.ts";

test("keys ask for what they should, and for nothing while one types", () => {
  const k = new Keys();
  assert.deepEqual(k.press("/", 0, false, false), { kind: "search" });
  assert.deepEqual(k.press("?", 0, false, false), { kind: "help" });
  assert.deepEqual(k.press("/", 0, true, false), { kind: "none" });
  assert.deepEqual(k.press("/", 0, false, true), { kind: "none" });
  assert.deepEqual(k.press("j", 0, false, false), { kind: "none" });
});

test("g and then a letter goes to a view, once and soon", () => {
  const k = new Keys();
  k.press("g", 0, false, false);
  assert.deepEqual(k.press("j", 1000, false, false), { kind: "go", key: "j" });
  assert.deepEqual(k.press("j", 1100, false, false), { kind: "none" });
  k.press("g", 2000, false, false);
  assert.deepEqual(k.press("j", 4000, false, false), { kind: "none" });
  k.press("g", 5000, false, false);
  k.press("g", 5100, true, false);
  assert.deepEqual(k.press("j", 5200, false, false), { kind: "go", key: "j" });
});
