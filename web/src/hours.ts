// The hours of an audit: which there are, and what is said of all of them.
import type { Audit } from "./types.gen.ts";

export const hour = 3_600_000;

/** The hours of a time, the newest first, as the clock has them; the first and the last may be parts of one. */
export function hoursOf(from: number, to: number): { from: number; to: number }[] {
  const all: { from: number; to: number }[] = [];
  for (let end = to; end > from; ) {
    const begin = Math.max(from, Math.floor((end - 1) / hour) * hour);
    all.push({ from: begin, to: end - 1 });
    end = begin;
  }
  return all;
}

export interface Totals {
  expected: number;
  recorded: number;
  pending: number;
  lost: number;
  unexpected: number;
}

/** What became of the expected fires of an hour. */
export function totalsOf(a: Audit): Totals {
  const recorded = a.succeeded + a.failed + a.skipped + a.missed + a.unknown;
  return { expected: a.expected, recorded, pending: a.pending, lost: a.lostCount, unexpected: a.unexpected };
}

export function sumOf(all: Totals[]): Totals {
  const sum: Totals = { expected: 0, recorded: 0, pending: 0, lost: 0, unexpected: 0 };
  for (const t of all) for (const name of Object.keys(sum) as (keyof Totals)[]) sum[name] += t[name];
  return sum;
}
