// Before an edit is saved: which fires of the next 30 days it would make, and which it would end.
import { ApiError } from "../api.ts";
import { duration, plural } from "../format.ts";
import { changeDocument, changedFields, type Draft } from "../jobform.ts";
import type { ChangePreview, Instant } from "../types.gen.ts";
import { Panel, Skeleton, Time } from "../ui/basics.tsx";
import { useApi, useQuiet } from "../use.ts";

/** The fields by which fires come and go. */
const moving = new Set(["schedule", "timezone", "isActive", "jitterMs", "startAt", "endAt", "dst.gap", "dst.fold"]);

export function EditFires({ id, draft, before }: { id: string; draft: Draft; before: Draft }) {
  const moves = changedFields(draft, before).some((f) => moving.has(f.path));
  const body = useQuiet(moves ? textOf(draft, before) : "", 400);
  const off = !moves || body === "";
  const asked = useApi("POST /jobs/{id}/preview", { path: { id }, body: body as never }, { off, keep: true });
  if (off || (asked.error instanceof ApiError && asked.error.status === 422)) return null; // the form says what is wrong
  return (
    <Panel title="What the change does">
      {!asked.data && <Skeleton lines={4} />}
      {asked.data && <Fires preview={asked.data} />}
    </Panel>
  );
}

/** The change as a document; empty: the texts make none. */
function textOf(draft: Draft, before: Draft): string {
  try {
    return changeDocument(draft, before);
  } catch {
    return "";
  }
}

function Fires({ preview: { fires: f, spec } }: { preview: ChangePreview }) {
  const time = duration(f.to - f.from);
  if (f.gainedCount === 0 && f.lostCount === 0) return <p>No fire of the next {time} comes or goes.</p>;
  return (
    <>
      <p>
        In the next {time} <b>{plural(f.gainedCount, "fire")} gained</b> and <b>{plural(f.lostCount, "fire")} lost</b>.
        {f.truncated && " There are too many fires to compare all of 30 days."}
      </p>
      <div class="columns">
        <Instants title="Gained" tone="good" instants={f.gained} count={f.gainedCount} zone={spec.timezone} />
        <Instants title="Lost" tone="bad" instants={f.lost} count={f.lostCount} zone={spec.timezone} />
      </div>
    </>
  );
}

function Instants(props: { title: string; tone: "good" | "bad"; instants: Instant[]; count: number; zone: string }) {
  const shown = props.instants.slice(0, 5);
  if (shown.length === 0) return null;
  return (
    <div>
      <h3 class={`${props.tone}-text`}>
        {props.tone === "good" ? "+" : "−"} {props.title}
      </h3>
      <ol class="fires">
        {shown.map((i) => (
          <li key={i.at}>
            <Time at={i.at} jobZone={props.zone} line />
          </li>
        ))}
        {props.count > shown.length && <li class="muted">and {plural(props.count - shown.length, "other")}</li>}
      </ol>
    </div>
  );
}
