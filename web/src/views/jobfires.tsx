// The next fires of a job, and what clock changes do to them.
import { serverNow } from "../api.ts";
import type { Job, Preview } from "../types.gen.ts";
import { ErrorNote, Panel, Skeleton, Time } from "../ui/basics.tsx";
import { useApi } from "../use.ts";

/** What a clock change does to a fire of a day; undefined: nothing is said of that day. */
export function shiftOf(p: Preview, local: string): string | undefined {
  return p.dstShifts.find((s) => s.date === local.slice(0, 10))?.effect;
}

/** How far the offset of a local time differs from that of the one before: "UTC+01:00 → UTC+02:00". */
export function offsetChange(before: string | undefined, local: string): string | undefined {
  const offset = (text: string): string => (text.endsWith("Z") ? "+00:00" : text.slice(-6));
  if (before === undefined || offset(before) === offset(local)) return undefined;
  return `UTC${offset(before)} → UTC${offset(local)}`;
}

export function NextFires({ job: j }: { job: Job }) {
  const { schedule, timezone, dst } = j.spec;
  // nextFireAt changes with each fire, and what comes after it with it
  const preview = useApi(
    "POST /schedules/preview",
    { body: { schedule, timezone, dst, jobId: j.id, count: 10, ...afterOf(j, serverNow()) } },
    { keep: true, off: !!j.error },
  );
  const p = preview.data;
  const fires = p?.next.filter((f) => !j.spec.endAt || f.at < j.spec.endAt) ?? [];
  const changes = p?.dstShifts ?? [];
  return (
    <Panel title={j.isActive ? "Next ten fires" : j.pausedUntil ? "Fires after the pause" : "When it would fire"}>
      <ErrorNote error={preview.error} />
      {!p && !preview.error && <Skeleton height={300} />}
      {p && (
        <ol class="fires">
          {fires.map((f, i) => {
            const marks = [shiftOf(p, f.local), offsetChange(fires[i - 1]?.local, f.local)].filter(Boolean);
            return (
              <li key={f.at} class={marks.length ? "changed" : ""}>
                <Time at={f.at} jobZone={timezone} line />
                {marks.length > 0 && <small class="badge warn">Clock change: {marks.join("; ")}</small>}
              </li>
            );
          })}
          {fires.length === 0 && <li class="muted">None.</li>}
        </ol>
      )}
      {!!j.spec.jitterMs && <p class="muted">Each is later by the fixed delay of the job.</p>}
      {changes.length > 0 && (
        <details>
          <summary>Clock changes that touch it, for two years ({changes.length})</summary>
          <ul class="shifts">
            {changes.map((s) => (
              <li key={s.at}>
                <b>{s.date}</b> {s.effect}
              </li>
            ))}
          </ul>
        </details>
      )}
    </Panel>
  );
}

/** From when on the fires of a job are shown: of one that does not fire yet, from its beginning or the end of its pause. */
export function afterOf(j: Pick<Job, "nextFireAt" | "pausedUntil" | "spec">, now: number): { after?: number } {
  if (j.nextFireAt !== null) return { after: j.nextFireAt - (j.spec.jitterMs ?? 0) - 1 };
  const from = Math.max(j.spec.startAt ?? 0, j.pausedUntil ?? 0);
  return from > now ? { after: from - 1 } : {};
}
