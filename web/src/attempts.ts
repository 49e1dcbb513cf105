// An execution as a line of time: what it waited for, and each attempt.
import type { ExecutionWithAttempts } from "./types.gen.ts";

export interface Step {
  kind: "late" | "wait" | "attempt";
  from: number;
  /** Of an attempt that has not ended: now. */
  to: number;
  /** Of an attempt. */
  number?: number;
  httpStatus?: number | null;
  error?: string | null;
  open?: boolean;
}

/** The steps of an execution, oldest first. now ends what has not ended. */
export function stepsOf(e: ExecutionWithAttempts, now: number): Step[] {
  const steps: Step[] = [];
  let last = e.scheduledAt;
  for (const a of e.attempts) {
    if (a.startedAt > last) steps.push({ kind: a.number === 1 ? "late" : "wait", from: last, to: a.startedAt });
    const to = a.completedAt ?? Math.max(now, a.startedAt);
    const { number, httpStatus, error } = a;
    steps.push({ kind: "attempt", from: a.startedAt, to, number, httpStatus, error, open: a.completedAt === null });
    last = to;
  }
  if (e.completedAt === null && steps.at(-1)?.open !== true) {
    const to = Math.max(e.nextAttemptAt ?? now, last);
    steps.push({ kind: e.attempts.length ? "wait" : "late", from: last, to, open: true });
  }
  return steps;
}

/** Where a step is on a line from 0 to 100; each has a width that can be seen. */
export function placeOf(step: Step, all: Step[]): { left: number; width: number } {
  const from = all[0]?.from ?? 0;
  const length = Math.max(1, (all.at(-1)?.to ?? 0) - from);
  const left = Math.min(99, ((step.from - from) / length) * 100);
  return { left, width: Math.min(100 - left, Math.max(1, ((step.to - step.from) / length) * 100)) };
}
