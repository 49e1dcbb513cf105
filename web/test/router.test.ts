import assert from "node:assert/strict";
import { test } from "node:test";
import { href, match, placeOf } from "../src/router.ts";

test("a path is read from the address, below /ui or not", () => {
  for (const [pathname, path] of [
    ["/", "/"],
    ["/ui", "/"],
    ["/ui/", "/"],
    ["/ui/jobs", "/jobs"],
    ["/ui/jobs/", "/jobs"],
    ["/ui//jobs//x", "/jobs/x"],
    ["/uix", "/uix"],
  ] as const) {
    assert.equal(placeOf(pathname, "").path, path, pathname);
  }
  assert.equal(placeOf("/ui/jobs", "?text=a%20b").query.get("text"), "a b");
});

test("an address has what is asked for, and nothing that is empty", () => {
  assert.equal(href("/"), "/ui/");
  assert.equal(
    href("/jobs", { text: "a b&c", tag: "", sort: null, failing: true, limit: 0 }),
    "/ui/jobs?text=a+b%26c&failing=true&limit=0",
  );
});

test("patterns match whole paths", () => {
  assert.deepEqual(match("/jobs/:id", "/jobs/x"), { id: "x" });
  assert.deepEqual(match("/jobs/:id", "/jobs/a%2Fb"), { id: "a/b" });
  assert.equal(match("/jobs/:id", "/jobs/%zz"), null);
  assert.equal(match("/jobs/:id", "/jobs"), null);
  assert.equal(match("/jobs/:id", "/jobs/"), null);
  assert.equal(match("/jobs/:id", "/jobs/x/edit"), null);
  assert.deepEqual(match("/", "/"), {});
});
