import assert from "node:assert/strict";
import { test } from "node:test";
import type { CurrentSpec, Preview } from "../src/types.gen.ts";
import { afterOf, offsetChange, shiftOf } from "../src/views/jobfires.tsx";
import { curlOf, details, documentOf, hasMasked, retries, sentence } from "../src/words.ts";

const spec: CurrentSpec = {
  schedule: "0 30 2 * * *",
  api: "http://127.0.0.1:4444/ok",
  type: "ATLEAST_ONCE",
  timezone: "Europe/Berlin",
  method: "POST",
  timeoutMs: 30_000,
  namespace: "default",
  overlap: "SKIP",
  retry: { maxRetries: 3, delayMs: 1000, backoff: "LINEAR", maxDelayMs: 3_600_000 },
  misfire: { policy: "RUN_ALL", maxAgeMs: 86_400_000, maxRuns: 1000 },
  dst: { gap: "AFTER", fold: "FIRST" },
};

test("a job is a sentence", () => {
  assert.equal(
    sentence(spec, "At 02:30:00 every day, Europe/Berlin time."),
    "Sends POST to http://127.0.0.1:4444/ok at 02:30:00 every day, Europe/Berlin time, each fire at least once. " +
      "A call that fails in passing is made again after 1 s, 2 s and 3 s: 3 retries.",
  );
  assert.match(sentence({ ...spec, type: "ATMOST_ONCE" }, ""), / 0 30 2 \* \* \*, each fire at most once\./);
});

test("retries are counted with the delays that they have", () => {
  const of = (retry: CurrentSpec["retry"]) => retries({ ...spec, retry });
  assert.equal(of({ maxRetries: 0 }), "A call that fails is not made again.");
  assert.match(of({ maxRetries: 1, delayMs: 500, backoff: "FIXED" }), /after 500 ms: 1 retry\./);
  assert.match(of({ maxRetries: 3, delayMs: 1000, backoff: "EXPONENTIAL" }), /1 s, 2 s and 4 s/);
  assert.match(of({ maxRetries: 3, delayMs: 1000, backoff: "EXPONENTIAL", maxDelayMs: 3000 }), /1 s, 2 s and 3 s/);
  assert.match(of({ maxRetries: 9, delayMs: 1000, backoff: "FIXED" }), /1 s, 1 s, 1 s, 1 s and so on: 9 retries/);
});

test("details leave out what a job does not have", () => {
  const names = details(spec).map(([name]) => name);
  assert.deepEqual(names, [
    "Timeout",
    "While the previous one runs",
    "After an outage",
    "A time that clocks skip",
    "A time that comes twice",
    "Namespace",
  ]);
  assert.deepEqual(details({ ...spec, headers: { A: "1", B: "2" } }).at(-1), ["Headers", "A: 1\nB: 2"]);
});

test("a shell reads the curl as it is meant", () => {
  const text = curlOf("http://localhost:3000", { spec: { ...spec, name: "Anna's" }, isActive: false });
  assert.ok(text.startsWith("curl -X POST http://localhost:3000/jobs \\\n"));
  assert.ok(text.includes(`"name": "Anna'\\''s"`), text);
  assert.ok(text.includes(`"isActive": false`));
  assert.equal(hasMasked(spec), false);
  assert.equal(hasMasked({ ...spec, headers: { Authorization: "********" } }), true);
});

test("the body of a job keeps its digits, as a document and as a curl", () => {
  const body = '{"n":12345678901234567890,"m":1.0,"text":"it\'s"}';
  assert.ok(documentOf({ spec: { ...spec, body }, isActive: true }).endsWith(`,\n  "body": ${body}\n}`));
  assert.equal(
    (JSON.parse(documentOf({ spec: { ...spec, body }, isActive: false })) as { isActive: boolean }).isActive,
    false,
  );
  assert.ok(
    curlOf("http://x", { spec: { ...spec, body }, isActive: true }).includes(
      `{"n":12345678901234567890,"m":1.0,"text":"it'\\''s"}`,
    ),
  );
  assert.ok(documentOf({ spec: { ...spec, body: '"a\\nb"' }, isActive: true }).includes('"body": "a\\nb"'));
  assert.deepEqual(details({ ...spec, body: '"a\\nb"' }).at(-1), ["Body", "a\nb"]);
  assert.deepEqual(details({ ...spec, body: '{"a":1.0}' }).at(-1), ["Body", '{\n  "a": 1.0\n}']);
});

test("a clock change is told of the day on which it is, and where the offset changes", () => {
  const shift = { at: 0, date: "2027-03-28", effect: "02:30:00 does not exist", kind: "gap" as const };
  const p: Preview = { description: "", next: [], warnings: [], dstShifts: [shift] };
  assert.equal(shiftOf(p, "2027-03-28T03:00:00+02:00"), "02:30:00 does not exist");
  assert.equal(shiftOf(p, "2027-03-29T02:30:00+02:00"), undefined);
  assert.equal(offsetChange("2027-03-27T02:30:00+01:00", "2027-03-28T03:00:00+02:00"), "UTC+01:00 → UTC+02:00");
  assert.equal(offsetChange("2027-03-28T00:00:00Z", "2027-03-29T00:00:00+00:00"), undefined);
  assert.equal(offsetChange(undefined, "2027-03-29T00:00:00Z"), undefined);
});

test("the document of a paused job says why, and until when", () => {
  const paused = { spec, isActive: false, pausedReason: "moved", pausedUntil: 1_900_000_000_000 };
  const { isActive, pausedReason, pausedUntil } = JSON.parse(documentOf(paused)) as Record<string, unknown>;
  assert.deepEqual([isActive, pausedReason, pausedUntil], [false, "moved", 1_900_000_000_000]);
  assert.ok(!documentOf({ spec, isActive: true }).includes("paused"));
});

test("the fires of a paused job are those from the end of its pause on", () => {
  const paused = { nextFireAt: null, spec };
  assert.deepEqual(afterOf(paused, 1000), {});
  assert.deepEqual(afterOf({ ...paused, pausedUntil: 5000 }, 1000), { after: 4999 });
  assert.deepEqual(afterOf({ ...paused, pausedUntil: 5000, spec: { ...spec, startAt: 7000 } }, 1000), { after: 6999 });
  assert.deepEqual(afterOf({ ...paused, pausedUntil: 500 }, 1000), {});
  assert.deepEqual(afterOf({ ...paused, nextFireAt: 9000 }, 1000), { after: 8999 });
});
