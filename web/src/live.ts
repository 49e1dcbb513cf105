// What goes on at this moment: the events of the server, or, where they are not to be had, the counters of GET /metrics,
// of which two samples make a rate.
import { useEffect, useState } from "preact/hooks";
import { outage, send, serverNow } from "./api.ts";

/** The counters of one moment. */
export interface Sample {
  at: number;
  /** Executions that have ended, by status. */
  ended: Record<string, number>;
  /** How many first attempts were late by at most so many seconds. */
  drift: [upTo: number, count: number][];
  inFlight: number;
  queued: number;
}

/** What went on between two samples. */
export interface Moment {
  at: number;
  firesPerSecond: number;
  failedPerSecond: number;
  /** Of the last minute; null: nothing was sent. */
  driftMs: { p50: number; p99: number } | null;
  inFlight: number;
  queued: number;
}

/** Reads the text of GET /metrics. */
export function sampleOf(text: string, at: number): Sample {
  const s: Sample = { at, ended: {}, drift: [], inFlight: 0, queued: 0 };
  for (const [, name, labels, value] of text.matchAll(/^(belfry_\w+)(?:\{([^}]*)\})? (\S+)$/gm)) {
    const n = Number(value);
    if (name === "belfry_in_flight") s.inFlight = n;
    else if (name === "belfry_queue_depth") s.queued = n;
    else if (name === "belfry_executions_total") s.ended[/status="(\w+)"/.exec(labels ?? "")?.[1] ?? ""] = n;
    else if (name === "belfry_drift_seconds_bucket") {
      const upTo = /le="([^"]+)"/.exec(labels ?? "")?.[1] ?? "";
      s.drift.push([upTo === "+Inf" ? Number.POSITIVE_INFINITY : Number(upTo), n]);
    }
  }
  return s;
}

/** The quantile of what came between two states of a histogram, within its bucket by a straight line; null: nothing came. */
export function quantile(before: Sample["drift"], after: Sample["drift"], q: number): number | null {
  const counts = after.map(([upTo, n], i) => [upTo, n - (before[i]?.[1] ?? 0)] as const);
  const all = counts.at(-1)?.[1] ?? 0;
  if (all <= 0) return null;
  const rank = q * all;
  let from = 0;
  let below = 0;
  for (const [upTo, n] of counts) {
    if (n >= rank && n > below) {
      if (upTo === Number.POSITIVE_INFINITY) return from;
      return from + ((upTo - from) * (rank - below)) / (n - below);
    }
    from = upTo;
    below = n;
  }
  return from;
}

const sum = (ended: Record<string, number>): number => Object.values(ended).reduce((a, b) => a + b, 0);

/** What went on up to the last of some samples. After a restart of the server counters begin anew: null. */
export function momentOf(samples: Sample[]): Moment | null {
  const last = samples.at(-1);
  const before = samples.at(-2);
  if (!last || !before) return null;
  const seconds = (last.at - before.at) / 1000;
  const ended = sum(last.ended) - sum(before.ended);
  if (ended < 0 || seconds <= 0) return null;
  const minute = samples.find((s) => last.at - s.at <= 60_000) ?? before;
  const p50 = quantile(minute.drift, last.drift, 0.5);
  const p99 = quantile(minute.drift, last.drift, 0.99);
  const failed = (s: Sample): number => (s.ended.FAILED ?? 0) + (s.ended.UNKNOWN ?? 0);
  return {
    at: last.at,
    firesPerSecond: ended / seconds,
    failedPerSecond: (failed(last) - failed(before)) / seconds,
    driftMs: p50 === null || p99 === null ? null : { p50: p50 * 1000, p99: p99 * 1000 },
    inFlight: last.inFlight,
    queued: last.queued,
  };
}

const every = 2000;
const most = 600; // ten minutes of one event a second
const firstEventWithin = 4000;

let samples: Sample[] = [];
let moments: Moment[] = [];
let lastEvent: Counters | undefined;

/** What an event of GET /events says. */
export interface Counters {
  at: number;
  since: number;
  completed?: { success: number; failed: number; skipped: number; missed: number; unknown: number };
  firesPerSecond: number;
  inFlight: number;
  queued: number;
  driftMs?: { p50: number; p99: number };
}

/** What went on, by an event and the one before it. Counters begin anew each midnight: nothing failed in between then. */
export function momentOfEvent(e: Counters, before: Counters | undefined): Moment {
  const failed = (c: Counters): number => (c.completed ? c.completed.failed + c.completed.unknown : 0);
  const comparable = before?.completed && e.completed && before.since === e.since && e.at > before.at;
  return {
    at: e.at,
    firesPerSecond: e.firesPerSecond,
    failedPerSecond: comparable ? Math.max(0, ((failed(e) - failed(before)) * 1000) / (e.at - before.at)) : 0,
    driftMs: e.driftMs ?? null,
    inFlight: e.inFlight,
    queued: e.queued,
  };
}

function add(m: Moment): Moment[] {
  if (m.at > (moments.at(-1)?.at ?? 0)) moments = [...moments, m].slice(-most);
  return moments;
}

/** Follows GET /events. refused is called when they are not to be had: too many follow them, or this key may not. */
function follow(got: (all: Moment[]) => void, refused: () => void): () => void {
  const source = new EventSource("/events");
  let heard = false;
  const timer = setTimeout(() => {
    if (heard) return;
    source.close();
    refused();
  }, firstEventWithin);
  source.addEventListener("counters", (e) => {
    heard = true;
    const counters = JSON.parse((e as MessageEvent<string>).data) as Counters;
    const moment = momentOfEvent(counters, lastEvent);
    lastEvent = counters;
    got(add(moment));
  });
  source.addEventListener("error", () => {
    if (source.readyState !== EventSource.CLOSED) return; // it comes back by itself
    clearTimeout(timer);
    refused();
  });
  return () => {
    clearTimeout(timer);
    source.close();
  };
}

/** Asks GET /metrics again and again. */
function poll(got: (all: Moment[] | undefined) => void): () => void {
  const control = new AbortController();
  const ask = async (): Promise<void> => {
    if (document.hidden || outage.value !== null) return;
    try {
      const res = await send("GET /metrics", { headers: { Accept: "text/plain" }, signal: control.signal });
      if (res.status === 403 || res.status === 401) got(undefined);
      if (!res.ok) return;
      const sample = sampleOf(await res.text(), serverNow());
      if (samples.length && sum(sample.ended) < sum(samples.at(-1)?.ended ?? {})) samples = [];
      samples = [...samples.filter((s) => sample.at - s.at <= 62_000), sample];
      const moment = momentOf(samples);
      if (moment) got(add(moment));
    } catch {
      // an outage is told by the frame
    }
  };
  void ask();
  const timer = setInterval(() => void ask(), every);
  return () => {
    clearInterval(timer);
    control.abort();
  };
}

/** The moments of the last ten minutes, as far as the page was seen; the newest last. undefined: they are not for this key. */
export function useLive(): Moment[] | undefined {
  const [state, set] = useState<Moment[] | undefined>(moments);
  useEffect(() => {
    let stop: () => void = () => undefined;
    const begin = (): void => {
      stop();
      stop = document.hidden
        ? () => undefined
        : follow(set, () => {
            stop = poll(set);
          });
    };
    begin();
    document.addEventListener("visibilitychange", begin);
    return () => {
      document.removeEventListener("visibilitychange", begin);
      stop();
    };
  }, []);
  return state;
}
