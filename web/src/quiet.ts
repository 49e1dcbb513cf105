// Silences and maintenance windows as forms have them: clock readings in a zone, and what is sent.
import { lengthOf, matcherOf, textOf } from "./alerting.ts";
import { partsOf } from "./time.ts";
import type { Silence, SilenceRequest, Window, WindowRequest } from "./types.gen.ts";
import { authorOf } from "./words.ts";

/** What the clock of a zone shows at an instant, as a field of the browser for a day and a time has it. */
export function wallOf(at: number, zone: string): string {
  const { date, time } = partsOf(at, zone);
  return `${date}T${time}`;
}

const minute = 60_000;

/** How far the clock of a zone is ahead of UTC at an instant. */
function offsetAt(at: number, zone: string): number {
  const [, sign, hours = "0", minutes = "0"] = /^([+-])(\d\d):(\d\d)/.exec(partsOf(at, zone).offset) ?? [];
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * minute;
}

/**
 * The instant at which the clock of a zone shows a day and a time; undefined: the text is none. A time that comes twice
 * is the first one; one that is skipped is as long after the change as it is after the beginning of the gap.
 */
export function instantIn(wall: string, zone: string): number | undefined {
  const utc = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?/.test(wall) ? Date.parse(`${wall}Z`) : Number.NaN;
  if (Number.isNaN(utc)) return undefined;
  const day = 86_400_000;
  const before = utc - offsetAt(utc - day, zone);
  const after = utc - offsetAt(utc + day, zone);
  return wallOf(before, zone) === wallOf(utc, "UTC")
    ? before
    : wallOf(after, zone) === wallOf(utc, "UTC")
      ? after
      : before;
}

/** When a silence acts, seen from now. */
export type SilenceState = "ACTIVE" | "COMING" | "ENDED";

export function stateOf(s: Pick<Silence, "active" | "endsAt">, now: number): SilenceState {
  if (s.active) return "ACTIVE";
  return s.endsAt <= now ? "ENDED" : "COMING";
}

const order: SilenceState[] = ["ACTIVE", "COMING", "ENDED"];

/** Those that act first, the one that ends first before the others; those that have ended last, the latest first. */
export function inOrder(silences: Silence[], now: number): { silence: Silence; state: SilenceState }[] {
  const key = (s: Silence, state: SilenceState): number =>
    state === "ACTIVE" ? s.endsAt : state === "COMING" ? s.startsAt : -s.endsAt;
  return silences
    .map((silence) => ({ silence, state: stateOf(silence, now) }))
    .sort(
      (a, b) => order.indexOf(a.state) - order.indexOf(b.state) || key(a.silence, a.state) - key(b.silence, b.state),
    );
}

/** The instant of a field. What was there and is not changed keeps its milliseconds. */
function at(data: FormData, name: string, was: number | undefined): number | undefined {
  const zone = textOf(data, "zone") ?? "UTC";
  const typed = instantIn(textOf(data, name) ?? "", zone);
  return was !== undefined && typed === Math.floor(was / 1000) * 1000 ? was : typed;
}

/** The silence that a form says. is: the one that it changes. Without a beginning it begins now, or has begun. */
export function silenceOf(data: FormData, is?: Silence): SilenceRequest {
  const s: SilenceRequest = { reason: textOf(data, "reason") ?? "" };
  const match = matcherOf(data);
  if (match) s.match = match;
  const from = at(data, "startsAt", is?.startsAt);
  if (from !== undefined) s.startsAt = from;
  const to = at(data, "endsAt", is?.endsAt);
  if (to !== undefined) s.endsAt = to;
  return s;
}

/** A silence that ends now. */
export function endedAt(s: Silence, now: number): SilenceRequest {
  return { match: s.match, reason: s.reason, startsAt: s.startsAt, endsAt: Math.max(now, s.startsAt + 1) };
}

/** The maintenance window that a form says. */
export function windowOf(data: FormData): WindowRequest {
  const w: WindowRequest = {
    reason: textOf(data, "reason") ?? "",
    schedule: textOf(data, "schedule") ?? "",
    timezone: textOf(data, "timezone") ?? "UTC",
    durationMs: lengthOf(data, "durationMs") ?? 0,
    disabled: data.has("disabled"),
  };
  const match = matcherOf(data);
  if (match) w.match = match;
  return w;
}

/** Why people are not told of some alerts now, and until when. */
export interface Acting {
  until: number;
  reason: string;
  by: string;
}

/** Of the silences and windows that act now, the one that ends last; null: none acts. */
export function actingOf(silences: Silence[], windows: Window[]): Acting | null {
  const all = [
    ...silences.map((s) => ({ until: s.endsAt, reason: s.reason, by: authorOf(s.by) })),
    ...windows.map((w) => ({ until: w.activeUntil ?? 0, reason: w.reason, by: authorOf(w.by) })),
  ];
  return all.reduce<Acting | null>((last, a) => (last && last.until >= a.until ? last : a), null);
}
