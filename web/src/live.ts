// What goes on at this moment, from the counters of GET /metrics: two samples make a rate.
import { useEffect, useState } from "preact/hooks";
import { isAbort, outage, send } from "./api.ts";

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
const most = 300; // ten minutes

let samples: Sample[] = [];
let moments: Moment[] = [];

/** The moments of the last ten minutes, as far as the page was seen; the newest last. undefined: they are not for this key. */
export function useLive(): Moment[] | undefined {
  const [state, set] = useState<Moment[] | undefined>(moments);
  useEffect(() => {
    const control = new AbortController();
    const ask = async (): Promise<void> => {
      if (document.hidden || outage.value !== null) return;
      try {
        const res = await send("GET /metrics", { headers: { Accept: "text/plain" }, signal: control.signal });
        if (res.status === 403 || res.status === 401) set(undefined);
        if (!res.ok) return;
        const sample = sampleOf(await res.text(), Date.now());
        if (samples.length && sum(sample.ended) < sum(samples.at(-1)?.ended ?? {})) samples = [];
        samples = [...samples.filter((s) => sample.at - s.at <= 62_000), sample];
        const moment = momentOf(samples);
        if (moment) moments = [...moments, moment].slice(-most);
        set(moments);
      } catch (err) {
        if (isAbort(err)) return; // an outage is told by the frame
      }
    };
    void ask();
    const timer = setInterval(() => void ask(), every);
    return () => {
      clearInterval(timer);
      control.abort();
    };
  }, []);
  return state;
}
