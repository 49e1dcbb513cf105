// The last executions of a job, when only those are asked for that may be new or other ones than before.
import type { Execution } from "./types.gen.ts";

interface Page {
  executions: Execution[];
}

/** How many are shown. */
export const latelyShown = 200;

/** From which scheduled instant on executions may have come or changed; undefined: there are none yet. */
export function changedFrom(had: Execution[]): number | undefined {
  let from = had[0]?.scheduledAt;
  for (const e of had) {
    const open = e.status === "PENDING" || e.status === "RUNNING";
    if (from !== undefined && open) from = Math.min(from, e.scheduledAt);
  }
  return from;
}

export const later = {
  query(had: Page): { from: number } | undefined {
    const from = changedFrom(had.executions);
    return from === undefined ? undefined : { from };
  },
  join<P extends Page>(had: P, got: P): P {
    const from = changedFrom(had.executions) ?? 0;
    const before = had.executions.filter((e) => e.scheduledAt < from);
    const full = got.executions.length >= latelyShown;
    return { ...got, executions: full ? got.executions : [...got.executions, ...before].slice(0, latelyShown) };
  },
};
