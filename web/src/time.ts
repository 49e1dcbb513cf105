// Instants as people read them: how far away, and when exactly, always with the zone.

export type ZoneChoice = "job" | "viewer" | "utc";

/** The zone of whoever looks. */
export const viewerZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** The zone in which an instant of a job is shown. Where there is no job it is the viewer's. */
export function zoneOf(choice: ZoneChoice, jobZone?: string): string {
  if (choice === "utc") return "UTC";
  if (choice === "job" && jobZone) return jobZone;
  return viewerZone();
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let f = formats.get(zone);
  if (!f) {
    const options: Intl.DateTimeFormatOptions = {
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      fractionalSecondDigits: 3,
      hourCycle: "h23",
      timeZoneName: "longOffset",
    };
    try {
      f = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone });
    } catch {
      f = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" }); // a zone that this browser lacks
    }
    formats.set(zone, f);
  }
  return f;
}

interface Parts {
  date: string;
  time: string;
  ms: string;
  /** "+01:00" */
  offset: string;
  /** The zone as it was asked for, or UTC where the browser lacks it. */
  zone: string;
}

export function partsOf(at: number, zone: string): Parts {
  const f = formatOf(zone);
  const p: Record<string, string> = {};
  for (const { type, value } of f.formatToParts(at)) p[type] = value;
  const offset = (p.timeZoneName ?? "").replace("GMT", "") || "+00:00";
  return {
    date: `${p.year}-${p.month}-${p.day}`,
    time: `${p.hour}:${p.minute}:${p.second}`,
    ms: p.fractionalSecond ?? "000",
    offset,
    zone: f.resolvedOptions().timeZone === "UTC" && zone !== "UTC" ? "UTC" : zone,
  };
}

const names = new Map<string, Intl.DateTimeFormat>();

/** The short name that a zone has at an instant: "CET", "GMT+5:30", "UTC". */
export function zoneName(at: number, zone: string): string {
  if (zone === "UTC" || zone === "Etc/UTC") return "UTC";
  let f = names.get(zone);
  if (!f) {
    try {
      f = new Intl.DateTimeFormat("en-GB", { timeZone: zone, timeZoneName: "short" });
    } catch {
      return "UTC";
    }
    names.set(zone, f);
  }
  return f.formatToParts(at).find((p) => p.type === "timeZoneName")?.value ?? zone;
}

/** "2026-03-09 12:00:05 CET"; with the milliseconds where they say something. The day is left out where it is today. */
export function absolute(at: number, zone: string, now?: number): string {
  const p = partsOf(at, zone);
  const today = now !== undefined && partsOf(now, zone).date === p.date;
  return `${today ? "" : `${p.date} `}${p.time} ${zoneName(at, zone)}`;
}

/** "2026-03-09T12:00:05.120+01:00 Europe/Berlin" */
export function exact(at: number, zone: string): string {
  const p = partsOf(at, zone);
  return `${p.date}T${p.time}.${p.ms}${p.offset} ${p.zone}`;
}

const steps: [limit: number, size: number, unit: string][] = [
  [60, 1, "s"],
  [3600, 60, "min"],
  [86400 * 2, 3600, "h"],
  [86400 * 60, 86400, "d"],
  [86400 * 730, 86400 * 30.44, "month"],
  [Number.POSITIVE_INFINITY, 86400 * 365.25, "year"],
];

/** How far away an instant is: "in 5 s", "3 min ago", "now". What is soon to come is counted down by the second. */
export function relative(at: number, now: number): string {
  const s = Math.abs(at - now) / 1000;
  if (s < 1) return "now";
  if (at > now && s >= 60 && s < 600 && s % 60 >= 1) return `in ${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
  for (const [limit, size, unit] of steps) {
    if (s < limit) {
      const n = Math.floor(s / size);
      const text = `${n} ${unit}${n !== 1 && unit.length > 3 ? "s" : ""}`; // only whole words have a plural
      return at > now ? `in ${text}` : `${text} ago`;
    }
  }
  return "";
}

/** How long after its instant a fire that was to come may be shown as due: a page asks for the next one so often. */
const staleFor = 10_000;

/** When a fire that is to come is due: now, while what was asked for last may only be old. */
export const dueAt = (at: number, now: number): number => (at < now && now - at < staleFor ? now : at);
