import assert from "node:assert/strict";
import { test } from "node:test";
import { absolute, dueAt, exact, partsOf, relative, zoneName, zoneOf } from "../src/time.ts";

const noon = Date.UTC(2026, 2, 9, 11, 0, 5, 120);

test("an instant has its zone", () => {
  assert.equal(absolute(noon, "Europe/Berlin"), "2026-03-09 12:00:05 CET");
  assert.equal(absolute(noon, "UTC"), "2026-03-09 11:00:05 UTC");
  assert.equal(absolute(noon, "Europe/Berlin", noon + 3_600_000), "12:00:05 CET");
  assert.equal(absolute(noon, "Europe/Berlin", noon + 86_400_000), "2026-03-09 12:00:05 CET");
  assert.equal(exact(noon, "Europe/Berlin"), "2026-03-09T12:00:05.120+01:00 Europe/Berlin");
  assert.equal(exact(noon, "UTC"), "2026-03-09T11:00:05.120+00:00 UTC");
  assert.equal(zoneName(noon, "Asia/Kolkata"), "GMT+5:30");
});

test("a zone that the browser lacks is shown in UTC, and says so", () => {
  assert.equal(partsOf(noon, "Mars/Olympus").zone, "UTC");
  assert.equal(absolute(noon, "Mars/Olympus"), "2026-03-09 11:00:05 UTC");
});

test("around a clock change the offset tells two equal times apart", () => {
  const first = Date.UTC(2026, 9, 25, 0, 30);
  assert.equal(absolute(first, "Europe/Berlin"), "2026-10-25 02:30:00 CEST");
  assert.equal(absolute(first + 3_600_000, "Europe/Berlin"), "2026-10-25 02:30:00 CET");
});

test("the zone is that of the job, of the viewer, or UTC", () => {
  assert.equal(zoneOf("job", "Asia/Tokyo"), "Asia/Tokyo");
  assert.equal(zoneOf("utc", "Asia/Tokyo"), "UTC");
  assert.equal(zoneOf("viewer", "Asia/Tokyo"), zoneOf("job"));
});

test("what is soon to come is counted down", () => {
  const texts = [61_000, 599_000, 600_000, -61_000].map((d) => relative(noon + d, noon));
  assert.deepEqual(texts, ["in 1 min 1 s", "in 9 min 59 s", "in 10 min", "1 min ago"]);
});

test("how far away an instant is", () => {
  const texts = [
    0,
    999,
    5000,
    -59_000,
    60_000,
    -7_200_000,
    172_799_000,
    172_800_000,
    -86_400_000 * 100,
    86_400_000 * 60,
    -86_400_000 * 735,
    -86_400_000 * 1000,
  ].map((d) => relative(noon + d, noon));
  assert.deepEqual(texts, [
    "now",
    "now",
    "in 5 s",
    "59 s ago",
    "in 1 min",
    "2 h ago",
    "in 47 h",
    "in 2 d",
    "3 months ago",
    "in 1 month",
    "2 years ago",
    "2 years ago",
  ]);
});

test("a fire that is to come is due now when it has just passed, and late when it passed long ago", () => {
  const texts = [5000, 0, -3000, -9999, -10_000].map((d) => relative(dueAt(noon + d, noon), noon));
  assert.deepEqual(texts, ["in 5 s", "now", "now", "now", "10 s ago"]);
});
