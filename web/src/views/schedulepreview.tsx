// What a schedule means, in the server's words, while one types it.
import { useEffect } from "preact/hooks";
import { ApiError, serverNow } from "../api.ts";
import { plural } from "../format.ts";
import { type Draft, instantOf } from "../jobform.ts";
import type { Preview, PreviewRequest } from "../types.gen.ts";
import { ErrorNote, Icon, Panel, Skeleton, Time } from "../ui/basics.tsx";
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
  const refused = error instanceof ApiError && error.status === 422; // the form says what is wrong
  const { onFault } = props;
  useEffect(
    () => onFault(refused && !empty ? faultOf(error as ApiError) : undefined),
    [refused, error, empty, onFault],
  );
  return (
    <Panel title="When it fires">
      <div class="preview" aria-live="polite">
        {empty && <Suggestions onPick={props.onPick} />}
        {!empty && refused && <p class="muted">The schedule cannot be read yet.</p>}
        {!empty && !refused && <ErrorNote error={error} retry={asked.reload} />}
        {!empty && !error && !asked.data && <Skeleton height={280} />}
        {!empty && !error && asked.data && (
          <Meaning
            preview={within(asked.data, instantOf(draft.endAt ?? ""))}
            zone={request.timezone ?? "UTC"}
            stored={jobId !== undefined}
          />
        )}
      </div>
    </Panel>
  );
}

/** The question of a form. now is the time of the server. */
export function requestOf(d: Draft, jobId: string | undefined, now = serverNow()): PreviewRequest {
  const dst = { gap: d["dst.gap"], fold: d["dst.fold"] } as NonNullable<PreviewRequest["dst"]>;
  const r: PreviewRequest = { schedule: d.schedule ?? "", timezone: d.timezone || "UTC", count: 10, dst };
  const start = instantOf(d.startAt ?? "");
  if (start !== undefined && start > now && start < lastAfter) r.after = start - 1;
  return jobId ? { ...r, jobId } : r;
}

/** From here on the API takes no instant. */
const lastAfter = Date.UTC(2199, 0);

/** A preview without the fires from an end on. */
export const within = (p: Preview, end: number | undefined): Preview =>
  end === undefined ? p : { ...p, next: p.next.filter((i) => i.at < end) };

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

/**
 * How many fires are due in the second of the next fire. A forecast of very many jobs takes seconds, and the server makes
 * few of them: where it has none, nothing is said.
 */
function SameSecond({ at, stored }: { at: number; stored: boolean }) {
  const second = Math.floor(at / 1000) * 1000;
  const from = useQuiet(second, 700);
  const asked = useApi("GET /forecast", { query: { step: "second", from, to: from + 1000 } });
  const due = asked.data?.total;
  if (due === undefined || from !== second) return null;
  return (
    <p class="muted">
      {stored
        ? `In the second of its next fire ${plural(due, "fire is", "fires are")} due, with those of this job as it is stored.`
        : `In the second of its next fire ${plural(due, "other fire is", "other fires are")} due.`}
    </p>
  );
}

function Meaning({ preview: p, zone, stored }: { preview: Preview; zone: string; stored: boolean }) {
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
      <h3>Next fires</h3>
      <ol class="fires">
        {p.next.map((i) => (
          <li key={i.at}>
            <Time at={i.at} jobZone={zone} line />
          </li>
        ))}
        {p.next.length === 0 && <li class="muted">None</li>}
      </ol>
      {p.next[0] && <SameSecond at={p.next[0].at} stored={stored} />}
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
