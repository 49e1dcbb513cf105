import assert from "node:assert/strict";
import { test } from "node:test";
import {
  changeDocument,
  changedFields,
  draftOf,
  emptyDraft,
  fields,
  newDocument,
  testDocument,
} from "../src/jobform.ts";
import { requestOf, within } from "../src/views/schedulepreview.tsx";
import type { CurrentSpec } from "../src/types.gen.ts";

const spec: CurrentSpec = {
  name: "n",
  schedule: "  0 0 4  * * MON-fri",
  api: "https://example.com/",
  type: "ATMOST_ONCE",
  namespace: "billing",
  timezone: "Europe/Berlin",
  method: "PUT",
  timeoutMs: 5000,
  retry: { maxRetries: 1, delayMs: 10, backoff: "FIXED", maxDelayMs: 20 },
  overlap: "SKIP",
  misfire: { policy: "SKIP", maxAgeMs: 1, maxRuns: 2 },
  dst: { gap: "SKIP", fold: "BOTH" },
  headers: { Authorization: "********", "X-A": "b: c" },
  secretHeaders: ["X-A"],
  tags: ["x", "y z"],
  body: '{"a":[1.0,12345678901234567890]}',
  startAt: 1767225600000,
  endAt: 0,
  prepare: false,
  signing: { secrets: ["********"] },
};

test("a new job has what is no default, and its schedule as it was typed", () => {
  const d = { ...emptyDraft(), schedule: " 0  0 4 * * mon ", api: "http://x/", tags: "a, b\n\n c ", timeoutMs: "250" };
  assert.deepEqual(JSON.parse(newDocument(d)), {
    api: "http://x/",
    schedule: " 0  0 4 * * mon ",
    type: "ATLEAST_ONCE",
    timeoutMs: 250,
    tags: ["a, b", "c"],
  });
});

test("a job is tried before its schedule is known", () => {
  const d = { ...emptyDraft(), api: "http://x/", schedule: " " };
  assert.deepEqual(JSON.parse(testDocument(d)), { api: "http://x/", schedule: "@daily", type: "ATLEAST_ONCE" });
  assert.equal(JSON.parse(testDocument({ ...d, schedule: " @hourly" })).schedule, "@hourly");
});

test("a form that was not touched changes nothing", () => {
  const before = draftOf({ spec, isActive: true });
  assert.equal(changeDocument({ ...before }, before), "{}");
});

test("each field that was touched is in the change, and no other", () => {
  const before = draftOf({ spec, isActive: true });
  for (const f of fields) {
    const d = { ...before };
    if (f.kind === "body") d.body = '{"n":1.00000000000000000001}';
    else if (f.kind === "bool") d[f.path] = before[f.path] === "true" ? "false" : "true";
    else if (f.kind === "choice") d[f.path] = f.options?.find(([v]) => v !== before[f.path])?.[0] ?? "";
    else if (f.kind === "headers") d[f.path] = "X-New: 1";
    else if (f.kind === "ms" || f.kind === "number") d[f.path] = "77";
    else d[f.path] = "2031-01-01T00:00:00Z";
    assert.deepEqual(
      changedFields(d, before).map((c) => c.path),
      [f.path],
    );
    const doc = JSON.parse(changeDocument(d, before)) as Record<string, Record<string, unknown>>;
    const [name = "", inner] = f.path.split(".");
    assert.deepEqual(Object.keys(doc), [name], f.path);
    if (inner) assert.deepEqual(Object.keys(doc[name] ?? {}), [inner], f.path);
  }
});

test("a field that was emptied gets its default by null", () => {
  const before = draftOf({ spec, isActive: true });
  const d = { ...before, timeoutMs: "", headers: "", "retry.maxRetries": "", bodyKind: "none", startAt: "" };
  assert.deepEqual(JSON.parse(changeDocument(d, before)), {
    headers: null,
    body: null,
    timeoutMs: null,
    startAt: null,
    retry: { maxRetries: null },
  });
});

test("a body keeps each digit, and texts that are no numbers go to the API as they are", () => {
  const d = { ...emptyDraft(), bodyKind: "json", body: '{"n": 12345678901234567890.10}', timeoutMs: "soon" };
  const doc = newDocument(d);
  assert.match(doc, /"body":\{"n": 12345678901234567890\.10\}/);
  assert.match(doc, /"timeoutMs":"soon"/);
});

test("a body that was not touched goes back as it came, and one that was as it was typed", () => {
  const bodies = [
    "1.0",
    "12345678901234567890",
    '{"a":[1.0,{"b":1e400}]}',
    '"a text"',
    '"\\u00e9 \\/"',
    "null",
    '{ "a" : 1 }',
  ];
  for (const body of bodies) {
    const d = draftOf({ spec: { ...spec, body }, isActive: true });
    assert.ok(newDocument(d).includes(`"body":${body}`), `${body} became ${newDocument(d)}`);
    assert.ok(!changeDocument({ ...d, name: "other" }, d).includes("body"));
    const typed = { ...d, bodyKind: "json", body: '{"a": 2.0}' };
    assert.ok(changeDocument(typed, d).includes('"body":{"a": 2.0}'));
    const other: typeof d = { ...d, bodyKind: d.bodyKind === "json" ? "text" : "json" };
    if (other.bodyKind === "text") assert.ok(newDocument(other).includes(`"body":${JSON.stringify(other.body)}`));
  }
});

test("what makes no document is refused beside its field", () => {
  const refused = (d: Record<string, string>) => {
    try {
      newDocument({ ...emptyDraft(), ...d });
    } catch (err) {
      return (err as { field: string }).field;
    }
    return undefined;
  };
  assert.equal(refused({ bodyKind: "json", body: "{" }), "body");
  assert.equal(refused({ headers: "no colon" }), "headers");
  assert.equal(refused({ headers: "a: b" }), undefined);
});

test("headers with colons in their values come back", () => {
  const before = draftOf({ spec, isActive: true });
  assert.equal(before.headers, "Authorization: ********\nX-A: b: c");
  const d = { ...before, headers: `${before.headers}\nX-B: 1` };
  assert.deepEqual(JSON.parse(changeDocument(d, before)), {
    headers: { Authorization: "********", "X-A": "b: c", "X-B": "1" },
  });
});

test("a preview begins where the job does, and ends before its end", () => {
  const now = Date.UTC(2026, 0);
  const d = { ...emptyDraft(), schedule: "@hourly" };
  const after = (startAt: string): unknown => requestOf({ ...d, startAt }, undefined, now).after;
  assert.equal(after("2027-01-01T00:00:00Z"), Date.UTC(2027, 0) - 1);
  assert.equal(after(String(Date.UTC(2027, 0))), Date.UTC(2027, 0) - 1);
  for (const text of ["", "2025-01-01T00:00:00Z", "2027-01-01", "soon", "9999-01-01T00:00:00Z"]) {
    assert.equal(after(text), undefined, text);
  }
  const next = [1, 2, 3].map((at) => ({ at, local: "" }));
  const p = { description: "", dstShifts: [], warnings: [], next } as never;
  assert.deepEqual(
    within(p, 3).next.map((i) => i.at),
    [1, 2],
  );
  assert.equal(within(p, undefined).next.length, 3);
});
