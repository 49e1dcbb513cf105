// Before an edit is saved: which fires of the next 30 days it would make, and which it would end.
import { ApiError } from "../api.ts";
import { changeDocument, changedFields, type Draft } from "../jobform.ts";
import { ErrorNote, Panel, Skeleton } from "../ui/basics.tsx";
import { useApi, useQuiet } from "../use.ts";
import { FiresDiff } from "./firesdiff.tsx";

/** The fields by which fires come and go. */
const moving = new Set([
  "schedule",
  "timezone",
  "isActive",
  "pausedUntil",
  "jitterMs",
  "startAt",
  "endAt",
  "dst.gap",
  "dst.fold",
]);

export function EditFires({ id, draft, before }: { id: string; draft: Draft; before: Draft }) {
  const moves = changedFields(draft, before).some((f) => moving.has(f.path));
  const body = useQuiet(moves ? textOf(draft, before) : "", 400);
  const off = !moves || body === "";
  const asked = useApi("POST /jobs/{id}/preview", { path: { id }, body: body as never }, { off, keep: true });
  if (off || (asked.error instanceof ApiError && asked.error.status === 422)) return null; // the form says what is wrong
  return (
    <Panel title="What the change does">
      <ErrorNote error={asked.error} retry={asked.reload} />
      {!asked.data && !asked.error && <Skeleton lines={4} />}
      {asked.data && !asked.error && <FiresDiff fires={asked.data.fires} jobZone={asked.data.spec.timezone} />}
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
