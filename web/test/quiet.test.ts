import assert from "node:assert/strict";
import { test } from "node:test";
import { actingOf, endedAt, inOrder, instantIn, silenceOf, stateOf, wallOf, windowOf } from "../src/quiet.ts";
import type { Silence } from "../src/types.gen.ts";

function form(fields: Record<string, string>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.append(name, value);
  return data;
}

const noon = Date.UTC(2026, 2, 9, 11, 0, 5, 120);

const silence = (fields: Partial<Silence>): Silence => ({
  id: "s-1",
  active: false,
  by: { key: "env" },
  createdAt: noon,
  startsAt: noon,
  endsAt: noon + 3_600_000,
  match: {},
  reason: "new disks",
  ...fields,
});

test("a clock reading is an instant in its zone, and back", () => {
  for (const zone of ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]) {
    for (let day = 0; day < 365; day += 5) {
      const at = noon - 120 + day * 86_400_000;
      assert.equal(instantIn(wallOf(at, zone), zone), at, `${zone} ${wallOf(at, zone)}`);
    }
  }
  assert.equal(wallOf(noon, "Europe/Berlin"), "2026-03-09T12:00:05");
  assert.equal(instantIn("2026-03-09T12:00", "Europe/Berlin"), Date.UTC(2026, 2, 9, 11));
  assert.equal(instantIn("", "UTC"), undefined);
  assert.equal(instantIn("tomorrow", "UTC"), undefined);
});

test("a reading that comes twice is the first one, and one that is skipped is after the gap", () => {
  assert.equal(instantIn("2026-10-25T02:30", "Europe/Berlin"), Date.UTC(2026, 9, 25, 0, 30));
  assert.equal(wallOf(instantIn("2026-03-29T02:30", "Europe/Berlin") ?? 0, "Europe/Berlin"), "2026-03-29T03:30:00");
  assert.equal(instantIn("2026-03-29T01:59", "Europe/Berlin"), Date.UTC(2026, 2, 29, 0, 59));
  assert.equal(instantIn("2026-03-29T03:00", "Europe/Berlin"), Date.UTC(2026, 2, 29, 1));
  assert.equal(instantIn("2026-11-01T01:30", "America/New_York"), Date.UTC(2026, 10, 1, 5, 30));
});

test("silences that act come first, and those that have ended last", () => {
  const all = [
    silence({ id: "ended", startsAt: noon - 9, endsAt: noon - 5 }),
    silence({ id: "ended later", startsAt: noon - 9, endsAt: noon }),
    silence({ id: "to come", startsAt: noon + 7, endsAt: noon + 9 }),
    silence({ id: "to come first", startsAt: noon + 6, endsAt: noon + 9 }),
    silence({ id: "acts longer", active: true, endsAt: noon + 3 }),
    silence({ id: "acts", active: true, endsAt: noon + 2 }),
  ];
  assert.deepEqual(
    inOrder(all, noon).map((r) => [r.silence.id, r.state]),
    [
      ["acts", "ACTIVE"],
      ["acts longer", "ACTIVE"],
      ["to come first", "COMING"],
      ["to come", "COMING"],
      ["ended later", "ENDED"],
      ["ended", "ENDED"],
    ],
  );
  assert.equal(stateOf(silence({ active: true, endsAt: noon - 1 }), noon), "ACTIVE"); // the server knows
});

test("a form makes a silence by the clock of its zone", () => {
  const typed = { reason: " new disks ", zone: "Europe/Berlin", startsAt: "", endsAt: "2026-03-09T14:00:00" };
  assert.deepEqual(silenceOf(form(typed)), { reason: "new disks", endsAt: Date.UTC(2026, 2, 9, 13) });
  const later = silenceOf(form({ ...typed, startsAt: "2026-03-09T13:00", "match.tag": "payments" }));
  assert.deepEqual(later.startsAt, Date.UTC(2026, 2, 9, 12));
  assert.deepEqual(later.match, { tag: "payments" });
  assert.deepEqual(silenceOf(form({ zone: "UTC" })), { reason: "" }); // the API says what is required
});

test("a change of a silence keeps the instants that are not changed, to the millisecond", () => {
  const is = silence({ endsAt: noon + 3_600_000 });
  const shown = { reason: "x", zone: "Asia/Tokyo", startsAt: wallOf(is.startsAt, "Asia/Tokyo") };
  const same = silenceOf(form({ ...shown, endsAt: wallOf(is.endsAt, "Asia/Tokyo") }), is);
  assert.deepEqual([same.startsAt, same.endsAt], [is.startsAt, is.endsAt]);
  const longer = silenceOf(form({ ...shown, endsAt: wallOf(is.endsAt + 1000, "Asia/Tokyo") }), is);
  assert.equal(longer.endsAt, Math.floor(is.endsAt / 1000) * 1000 + 1000);
});

test("a silence that ends now keeps what it was, and ends after its start", () => {
  const is = silence({ match: { tag: "payments" } });
  const ended = { match: { tag: "payments" }, reason: "new disks", startsAt: noon };
  assert.deepEqual(endedAt(is, noon + 500), { ...ended, endsAt: noon + 500 });
  assert.deepEqual(endedAt(is, noon - 2000), { ...ended, endsAt: noon + 1 }); // the clock of the browser is behind
});

test("a form makes a maintenance window", () => {
  const typed = { reason: "backup", schedule: "0 0 2 * * SUN", timezone: "", durationMs: "2", "durationMs unit": "h" };
  assert.deepEqual(windowOf(form({ ...typed, "match.host": "db.example.com" })), {
    reason: "backup",
    schedule: "0 0 2 * * SUN",
    timezone: "UTC",
    durationMs: 7_200_000,
    disabled: false,
    match: { host: "db.example.com" },
  });
  assert.equal(windowOf(form({ ...typed, disabled: "on" })).disabled, true);
});

test("of what acts on a job, the one that ends last is shown", () => {
  const window = {
    ...{ id: "w", by: { key: "k", name: "ann" }, createdAt: 0, updatedAt: 0, disabled: false, match: {} },
    ...{ reason: "backup", schedule: "* * * * *", timezone: "UTC", durationMs: 1, nextAt: null },
  };
  assert.equal(actingOf([], []), null);
  const one = { until: noon + 5, reason: "new disks", by: "a key of the settings" };
  assert.deepEqual(actingOf([silence({ endsAt: noon + 5 }), silence({ endsAt: noon + 4 })], []), one);
  const other = { until: noon + 9, reason: "backup", by: "ann" };
  assert.deepEqual(actingOf([silence({ endsAt: noon + 5 })], [{ ...window, activeUntil: noon + 9 }]), other);
});
