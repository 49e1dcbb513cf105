// Time series of executions: every step has a point, and what they add up to.
import type { Point } from "./types.gen.ts";

export type Span = "hour" | "day" | "week";

const minute = 60_000;
const hour = 60 * minute;

/** What is asked for a span: how long it is, and the step of its points. */
export const spans: Record<Span, { ms: number; step: "minute" | "hour"; stepMs: number }> = {
  hour: { ms: hour, step: "minute", stepMs: minute },
  day: { ms: 24 * hour, step: "hour", stepMs: hour },
  week: { ms: 7 * 24 * hour, step: "hour", stepMs: hour },
};

export const isSpan = (text: string | null): text is Span => text !== null && Object.hasOwn(spans, text);

export interface Columns {
  at: number[];
  success: number[];
  failed: number[];
  notSent: number[];
  driftP50: (number | null)[];
  driftP99: (number | null)[];
  durationP50: (number | null)[];
  durationP99: (number | null)[];
}

/** The points as columns, with one for each step: in a step without a point nothing was due. */
export function columnsOf(points: Point[], from: number, to: number, stepMs: number): Columns {
  const known = new Map(points.map((p) => [p.at, p]));
  const at: number[] = [];
  for (let t = from; t < to; t += stepMs) at.push(t);
  const each = <T>(of: (p: Point) => T, none: T): T[] =>
    at.map((t) => {
      const p = known.get(t);
      return p ? of(p) : none;
    });
  return {
    at,
    success: each((p) => p.executions.success, 0),
    failed: each((p) => p.executions.failed + p.executions.unknown, 0),
    notSent: each((p) => p.executions.skipped + p.executions.missed, 0),
    driftP50: each<number | null>((p) => p.driftMs?.p50 ?? null, null),
    driftP99: each<number | null>((p) => p.driftMs?.p99 ?? null, null),
    durationP50: each<number | null>((p) => p.durationMs?.p50 ?? null, null),
    durationP99: each<number | null>((p) => p.durationMs?.p99 ?? null, null),
  };
}

export interface Totals {
  success: number;
  failed: number;
  notSent: number;
  retries: number;
  /** The longest drift; null: nothing was sent. */
  worstDrift: number | null;
}

export function totalsOf(points: Point[]): Totals {
  const t: Totals = { success: 0, failed: 0, notSent: 0, retries: 0, worstDrift: null };
  for (const p of points) {
    t.success += p.executions.success;
    t.failed += p.executions.failed + p.executions.unknown;
    t.notSent += p.executions.skipped + p.executions.missed;
    t.retries += p.retries;
    if (p.driftMs) t.worstDrift = Math.max(t.worstDrift ?? 0, p.driftMs.max);
  }
  return t;
}
