// The versions of a job as a timeline: what each has changed, and the way back to one.
import { useState } from "preact/hooks";
import { call } from "../api.ts";
import { useMay } from "../me.ts";
import type { Job, Version } from "../types.gen.ts";
import { ErrorNote, Panel, Skeleton, Time } from "../ui/basics.tsx";
import { Dialog, say } from "../ui/dialog.tsx";
import { useApi, usePages } from "../use.ts";
import { authorOf } from "../words.ts";
import { FiresDiff } from "./firesdiff.tsx";
import { type Difference, differences, fieldsThatDiffer } from "./diff.ts";

export function Versions({ job, onChange }: { job: Job; onChange: () => void }) {
  const [chosen, choose] = useState<Version>();
  const edits = useMay("editor");
  // a new version is another list
  const pages = usePages<Version>(`versions ${job.id} ${job.version}`, async (cursor, signal) => {
    const page = await call("GET /jobs/{id}/versions", {
      path: { id: job.id },
      query: { limit: 20, ...(cursor ? { cursor } : {}) },
      signal,
    });
    return { items: page.versions, ...(page.nextCursor ? { cursor: page.nextCursor } : {}) };
  });
  const { items, done, loading, more, error } = pages;
  return (
    <Panel title="Versions">
      <ErrorNote error={error} retry={more} />
      {items.length === 0 && !error && <Skeleton lines={3} />}
      <ol class="timeline">
        {items.map((v, i) => (
          <li key={v.version} class={v.effectiveTo === null ? "current" : ""}>
            <header>
              <b>Version {v.version}</b>
              <Time at={v.effectiveFrom} jobZone={v.spec.timezone} line />
              {v.by && <span class="muted">by {authorOf(v.by)}</span>}
              {v.effectiveTo === null ? (
                <span class="badge">current</span>
              ) : (
                edits && (
                  <button type="button" class="quiet" onClick={() => choose(v)}>
                    Go back …
                  </button>
                )
              )}
            </header>
            <What version={v} before={items[i + 1]} />
          </li>
        ))}
      </ol>
      {!done && items.length > 0 && (
        <button type="button" disabled={loading} onClick={more}>
          Earlier versions
        </button>
      )}
      {chosen && (
        <GoBack
          job={job}
          version={chosen}
          onClose={() => choose(undefined)}
          onDone={() => {
            choose(undefined);
            onChange();
          }}
        />
      )}
    </Panel>
  );
}

function What({ version: v, before }: { version: Version; before: Version | undefined }) {
  if (v.error) return <p class="note bad">{v.error}</p>;
  if (v.version === 1) return <p class="muted">The job was created.</p>;
  if (!v.changed) return <p class="muted">What was before is not kept.</p>;
  if (v.changed.length === 0) return <p class="muted">Nothing that is shown has changed.</p>;
  if (!before) return <p>Changed: {v.changed.join(", ")}</p>;
  return <Diff all={differences(before, v, v.changed)} />;
}

/** Fields with what they were and are. */
function Diff({ all }: { all: Difference[] }) {
  return (
    <dl class="diff">
      {all.map((d) => (
        <div key={d.field}>
          <dt>{d.field}</dt>
          <dd>
            <del>{d.before}</del> <span class="hidden">becomes</span>
            <ins>{d.after}</ins>
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Says what going back to a version would change, and does it. */
function GoBack(props: { job: Job; version: Version; onClose: () => void; onDone: () => void }) {
  const { job, version: v } = props;
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const fields = fieldsThatDiffer(job, v);
  const preview = useApi("POST /jobs/{id}/preview", { path: { id: job.id }, body: { version: v.version } as never });
  const restore = async (): Promise<void> => {
    setBusy(true);
    try {
      const path = { id: job.id, version: v.version };
      // what is changed is what was shown: an edit in between is refused
      const answer = await call("POST /jobs/{id}/versions/{version}/restore", {
        path,
        headers: { "If-Match": `"${job.version}"` },
      });
      say(answer.message);
      props.onDone();
    } catch (err) {
      setError(err as Error);
      setBusy(false);
    }
  };
  return (
    <Dialog title={`Go back to version ${v.version}`} wide onClose={props.onClose}>
      <div class="ask">
        <p>The job becomes what it was in that version, as a new version. Nothing is fired for the time in between.</p>
        {fields.length === 0 ? <p>Nothing that is shown differs.</p> : <Diff all={differences(job, v, fields)} />}
        {!preview.data && !preview.error && <Skeleton height={120} />}
        {preview.data && <FiresDiff fires={preview.data.fires} jobZone={v.spec.timezone} />}
        {preview.data?.warnings.map((w) => (
          <p key={w} class="note warn">
            {w}
          </p>
        ))}
        <ErrorNote error={error ?? preview.error} />
        <div class="actions end">
          <button type="button" onClick={props.onClose}>
            Cancel
          </button>
          <button type="button" class="primary" disabled={busy} onClick={() => void restore()}>
            Go back to version {v.version}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
