// The last executions of a job as a row of marks, the newest at the right.
import { duration } from "../format.ts";
import { href } from "../router.ts";
import type { Execution } from "../types.gen.ts";

const heights: Record<Execution["status"], number> = {
  SUCCESS: 14,
  FAILED: 20,
  UNKNOWN: 20,
  RUNNING: 10,
  PENDING: 8,
  SKIPPED: 6,
  MISSED: 6,
};

/** executions are the newest first, as the API has them. */
export function Strip({ executions, size = 20, links }: { executions: Execution[]; size?: number; links?: boolean }) {
  const shown = executions.slice(0, size).reverse();
  const counts = new Map<string, number>();
  for (const e of shown) counts.set(e.status, (counts.get(e.status) ?? 0) + 1);
  const words = [...counts].map(([status, n]) => `${n} ${status.toLowerCase()}`).join(", ");
  const title = (e: Execution): string =>
    [e.status, e.duration === null ? "" : duration(e.duration), e.error ?? ""].filter(Boolean).join(" · ");
  const mark = (e: Execution) => (
    <i class={`s-${e.status.toLowerCase()}`} style={{ height: `${heights[e.status]}px` }} title={title(e)} />
  );
  if (links) {
    return (
      <ol class="strip" aria-label={`The last ${shown.length} executions, the newest last`}>
        {shown.map((e) => (
          <li key={e.id}>
            <a href={href(`/executions/${e.id}`)} aria-label={title(e)}>
              {mark(e)}
            </a>
          </li>
        ))}
      </ol>
    );
  }
  return (
    <span
      class="strip"
      role="img"
      aria-label={shown.length ? `The last ${shown.length}: ${words}` : "No executions yet"}
    >
      {Array.from({ length: Math.max(0, size - shown.length) }, (_, i) => (
        <i key={`-${i}`} class="none" />
      ))}
      {shown.map(mark)}
    </span>
  );
}
