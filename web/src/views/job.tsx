// One job: what it is, when it fires, what it has done, and what can be done with it.
import { useState } from "preact/hooks";
import { call } from "../api.ts";
import { useMay } from "../me.ts";
import { href, navigate } from "../router.ts";
import type { Job } from "../types.gen.ts";
import { Copy, ErrorNote, Head, Icon, Panel, Skeleton, Time } from "../ui/basics.tsx";
import { Dialog, say } from "../ui/dialog.tsx";
import { PauseJob } from "../ui/pause.tsx";
import { useApi } from "../use.ts";
import { curlOf, details, documentOf, hasMasked, nameOf, sentence } from "../words.ts";
import { Executions } from "./jobexecutions.tsx";
import { History } from "./history.tsx";
import { JobAlerts } from "./jobalerts.tsx";
import { NextFires } from "./jobfires.tsx";
import { Silenced, SilenceJob, useJobSilence } from "./jobsilence.tsx";
import { TestCallButton } from "./testcall.tsx";
import { Versions } from "./versions.tsx";

export function JobView({ params }: { params: Record<string, string> }) {
  const id = params.id ?? "";
  const job = useApi("GET /jobs/{id}", { path: { id } }, { every: 5000, keep: true });
  const [silencing, setSilencing] = useState(false);
  const silence = useJobSilence(id);
  const j = job.data;
  if (!j || !silence.known) {
    return (
      <>
        <Head title="Job" sub={id} />
        <ErrorNote error={job.error} retry={job.reload} />
        {job.error && <a href={href("/jobs")}>All jobs</a>}
        {!job.error && <Skeleton height={400} />}
      </>
    );
  }
  return (
    <>
      <Head title={nameOf(j)} sub={<code>{j.id}</code>}>
        <Actions job={j} onChange={job.reload} onSilence={() => setSilencing(true)} />
      </Head>
      <ErrorNote error={job.error} />
      <State job={j} onChange={job.reload} />
      <Silenced acting={silence.acting} job={j} />
      {silencing && (
        <SilenceJob
          job={j}
          onClose={() => {
            setSilencing(false);
            silence.reload();
          }}
        />
      )}
      <div class="columns wide">
        <What job={j} />
        <div class="stack">
          <NextFires job={j} />
          <Versions job={j} onChange={job.reload} />
        </div>
      </div>
      <History jobId={j.id} jobZone={j.spec.timezone} />
      <JobAlerts job={j} />
      <Executions job={j} />
    </>
  );
}

/** What somebody should know first: that the job does not fire, and why. */
function State({ job: j, onChange }: { job: Job; onChange: () => void }) {
  if (j.error) {
    return (
      <div class="note bad">
        <b>The job cannot be run, and fires nothing:</b> {j.error}
      </div>
    );
  }
  if (!j.isActive) {
    return <Paused job={j} onChange={onChange} />;
  }
  if (j.nextFireAt === null) {
    return (
      <div class="note warn">
        <b>No fire is to come.</b> The schedule has none, or the job has ended.
      </div>
    );
  }
  return null;
}

function Paused({ job: j, onChange }: { job: Job; onChange: () => void }) {
  const [changing, setChanging] = useState(false);
  const edits = useMay("editor");
  const close = (changed: boolean): void => {
    setChanging(false);
    if (changed) onChange();
  };
  return (
    <>
      <div class="note warn">
        <p>
          <b>Paused{j.pausedReason && `: ${j.pausedReason}`}</b>
        </p>
        <p>
          Since <Time at={j.effectiveFrom} jobZone={j.spec.timezone} line />.{" "}
          {j.pausedUntil ? (
            <>
              It fires again by itself <Time at={j.pausedUntil} jobZone={j.spec.timezone} line />,
            </>
          ) : (
            "It fires nothing until it is resumed,"
          )}{" "}
          and does not make up for what it has not fired.
        </p>
        {edits && (
          <button type="button" onClick={() => setChanging(true)}>
            Change the pause
          </button>
        )}
      </div>
      {changing && <PauseJob job={j} onClose={close} />}
    </>
  );
}

function What({ job: j }: { job: Job }) {
  const preview = useApi("POST /schedules/preview", {
    body: { schedule: j.spec.schedule, timezone: j.spec.timezone, dst: j.spec.dst, count: 1 },
  });
  return (
    <Panel title="What it is" actions={<As job={j} />}>
      <p class="sentence">{sentence(j.spec, preview.data?.description ?? "")}</p>
      {preview.data?.warnings.map((w) => (
        <p key={w} class="note warn">
          {w}
        </p>
      ))}
      <dl class="details">
        <div>
          <dt>Schedule</dt>
          <dd>
            <code>{j.spec.schedule}</code> in {j.spec.timezone}
          </dd>
        </div>
        {details(j.spec).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value.includes("\n") ? <pre>{value}</pre> : value}</dd>
          </div>
        ))}
        {!!j.spec.tags?.length && (
          <div>
            <dt>Tags</dt>
            <dd class="tags">
              {j.spec.tags.map((t) => (
                <a key={t} class="tag link" href={href("/jobs", { tag: t })}>
                  {t}
                </a>
              ))}
            </dd>
          </div>
        )}
        {!!j.spec.startAt && (
          <div>
            <dt>Starts</dt>
            <dd>
              <Time at={j.spec.startAt} jobZone={j.spec.timezone} line />
            </dd>
          </div>
        )}
        {!!j.spec.endAt && (
          <div>
            <dt>Ends</dt>
            <dd>
              <Time at={j.spec.endAt} jobZone={j.spec.timezone} line />
            </dd>
          </div>
        )}
        <div>
          <dt>Version</dt>
          <dd>
            {j.version}, since <Time at={j.effectiveFrom} jobZone={j.spec.timezone} line />
          </dd>
        </div>
        <div>
          <dt>Created</dt>
          <dd>
            <Time at={j.createdAt} jobZone={j.spec.timezone} line />
          </dd>
        </div>
      </dl>
    </Panel>
  );
}

/** The job as a document, and as the call that would make it. */
function As({ job: j }: { job: Job }) {
  const [shown, show] = useState<"JSON" | "curl">();
  const text = shown === "curl" ? curlOf(location.origin, j) : documentOf(j);
  return (
    <span>
      <button type="button" class="quiet" onClick={() => show("JSON")}>
        as JSON
      </button>
      <button type="button" class="quiet" onClick={() => show("curl")}>
        as curl
      </button>
      {shown && (
        <Dialog title={`The job as ${shown}`} wide onClose={() => show(undefined)}>
          {hasMasked(j.spec) && (
            <p class="note warn">Secret values are not shown: put them in the place of ********.</p>
          )}
          <pre class="text" tabIndex={0}>
            {text}
          </pre>
          <div class="actions end">
            <Copy text={text} />
          </div>
        </Dialog>
      )}
    </span>
  );
}

function Actions({ job: j, onChange, onSilence }: { job: Job; onChange: () => void; onSilence: () => void }) {
  const [busy, setBusy] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const [pausing, setPausing] = useState(false);
  const edits = useMay("editor");
  const path = { id: j.id };
  const act = async (work: () => Promise<{ message: string }>): Promise<void> => {
    setBusy(true);
    try {
      say((await work()).message);
      onChange();
    } catch (err) {
      say((err as Error).message, true);
    }
    setBusy(false);
  };
  if (!edits) return null;
  return (
    <>
      <button
        type="button"
        class="primary"
        disabled={busy}
        onClick={() => void act(() => call("POST /jobs/{id}/trigger", { path }))}
      >
        <Icon name="trigger" /> Trigger now
      </button>
      {j.isActive ? (
        <button type="button" disabled={busy} onClick={() => setPausing(true)}>
          <Icon name="pause" /> Pause
        </button>
      ) : (
        <button type="button" disabled={busy} onClick={() => void act(() => call("POST /jobs/{id}/resume", { path }))}>
          <Icon name="resume" /> Resume
        </button>
      )}
      <TestCallButton ask={() => call("POST /jobs/{id}/test", { path, body: {} })} />
      <a class="button" href={href(`/jobs/${j.id}/edit`)}>
        <Icon name="edit" /> Edit
      </a>
      <a class="button" href={href("/jobs/new", { from: j.id })}>
        <Icon name="copy" /> Duplicate
      </a>
      <button type="button" onClick={onSilence}>
        <Icon name="silence" /> Silence
      </button>
      <button type="button" class="danger" disabled={busy} onClick={() => setDeleting(true)}>
        <Icon name="delete" /> Delete
      </button>
      {pausing && (
        <PauseJob
          job={j}
          onClose={(changed) => {
            setPausing(false);
            if (changed) onChange();
          }}
        />
      )}
      {deleting && (
        <Dialog title="Delete the job?" onClose={() => setDeleting(false)}>
          <p>
            <b>{nameOf(j)}</b> fires nothing more. What it has done stays on record. It cannot be brought back.
          </p>
          <div class="actions end">
            <button type="button" onClick={() => setDeleting(false)}>
              Cancel
            </button>
            <button
              type="button"
              class="danger"
              disabled={busy}
              onClick={() =>
                void act(async () => {
                  const answer = await call("DELETE /jobs/{id}", { path });
                  navigate(href("/jobs"));
                  return answer;
                })
              }
            >
              Delete the job
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}
