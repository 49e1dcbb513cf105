// What a schedule means, in the server's words, while one types it.
import { useEffect } from "preact/hooks";
import { ApiError } from "../api.ts";
import { plural } from "../format.ts";
import type { Draft } from "../jobform.ts";
import type { Preview, PreviewRequest } from "../types.gen.ts";
import { Icon, Panel, Skeleton, Time } from "../ui/basics.tsx";
import { useApi, useQuiet } from "../use.ts";
import type { Fault } from "./jobfield.tsx";

const common: [schedule: string, text: string][] = [
  ["* * * * *", "Every minute"],
  ["0 * * * *", "Every hour"],
  ["0 9 * * *", "Each day at 9"],
  ["0 9 * * MON-FRI", "Weekdays at 9"],
];

export function SchedulePreview(props: {
  draft: Draft;
  jobId: string | undefined;
  onFault: (fault: Fault | undefined) => void;
  onPick?: (schedule: string) => void;
}) {
  const { draft, jobId } = props;
  const body = useQuiet(JSON.stringify(requestOf(draft, jobId)), 250);
  const request = JSON.parse(body) as PreviewRequest;
  const empty = request.schedule === "";
  const asked = useApi("POST /schedules/preview", { body: request }, { off: empty, keep: true });
  const { error } = asked;
  const { onFault } = props;
  useEffect(() => onFault(error instanceof ApiError && !empty ? faultOf(error) : undefined), [error, empty, onFault]);
  return (
    <Panel title="When it fires">
      <div class="preview" aria-live="polite">
        {empty && <Suggestions onPick={props.onPick} />}
        {!empty && error && <p class="muted">The schedule cannot be read yet.</p>}
        {!empty && !error && !asked.data && <Skeleton height={280} />}
        {!empty && !error && asked.data && <Meaning preview={asked.data} zone={request.timezone ?? "UTC"} />}
      </div>
    </Panel>
  );
}

function requestOf(d: Draft, jobId: string | undefined): PreviewRequest {
  const dst = { gap: d["dst.gap"], fold: d["dst.fold"] } as NonNullable<PreviewRequest["dst"]>;
  const r: PreviewRequest = { schedule: d.schedule ?? "", timezone: d.timezone || "UTC", count: 10, dst };
  return jobId ? { ...r, jobId } : r;
}

function faultOf(error: ApiError): Fault {
  return {
    error,
    of: (path) => {
      const e = error.field(path);
      return e && (e.field === path ? e.message : `${e.field.slice(path.length + 1)}: ${e.message}`);
    },
    without: () => faultOf(error),
  };
}

function Suggestions({ onPick }: { onPick: ((schedule: string) => void) | undefined }) {
  return (
    <>
      <p class="muted">Type a schedule, and it is explained here. Some that are common:</p>
      <div class="actions">
        {common.map(([schedule, text]) => (
          <button key={schedule} type="button" onClick={() => onPick?.(schedule)}>
            {text}
          </button>
        ))}
      </div>
    </>
  );
}

function Meaning({ preview: p, zone }: { preview: Preview; zone: string }) {
  const others = (p as Preview & { othersDue?: number }).othersDue;
  return (
    <>
      <p class="sentence">{p.description}</p>
      {p.warnings.length > 0 && (
        <div class="note warn">
          <ul>
            {p.warnings.map((w) => (
              <li key={w}>
                <Icon name="alerts" /> {w}
              </li>
            ))}
          </ul>
        </div>
      )}
      {others !== undefined && others > 0 && (
        <p class="muted">{plural(others, "other job is", "other jobs are")} due at the second of the next fire.</p>
      )}
      <h3>Next fires</h3>
      <ol class="fires">
        {p.next.map((i) => (
          <li key={i.at}>
            <Time at={i.at} jobZone={zone} line />
          </li>
        ))}
        {p.next.length === 0 && <li class="muted">None</li>}
      </ol>
      {p.dstShifts.length > 0 && (
        <>
          <h3>When clocks change</h3>
          <ul class="shifts">
            {p.dstShifts.map((s) => (
              <li key={s.at}>
                <span class="badge warn">
                  <Icon name="clock" /> {s.kind === "gap" ? "Clock goes forward" : "Clock goes back"}
                </span>{" "}
                <b>{s.date}</b> {s.effect}
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}
