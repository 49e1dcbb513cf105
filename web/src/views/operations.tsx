// Operations on many jobs: how far each has come, and what became of the jobs.
import { call } from "../api.ts";
import { count, plural } from "../format.ts";
import { href, setQuery, usePlace } from "../router.ts";
import type { Operation } from "../types.gen.ts";
import { ErrorNote, Head, Panel, Skeleton, Time } from "../ui/basics.tsx";
import { say } from "../ui/dialog.tsx";
import { Empty } from "../ui/empty.tsx";
import { JobLink } from "../ui/job.tsx";
import { type Column, List } from "../ui/list.tsx";
import { useApi, usePages } from "../use.ts";
import { authorOf } from "../words.ts";

export function Operations() {
  const id = usePlace().query.get("id");
  const pages = usePages<Operation>("operations", async (cursor, signal) => {
    const page = await call("GET /operations", { query: { limit: 50, ...(cursor ? { cursor } : {}) }, signal });
    return { items: page.operations, ...(page.nextCursor ? { cursor: page.nextCursor } : {}) };
  });
  return (
    <>
      <Head title="Operations" sub="Actions on many jobs, the newest first">
        <button type="button" onClick={pages.reload}>
          Look again
        </button>
      </Head>
      {id && <One id={id} onChange={pages.reload} />}
      <List
        title="Operations"
        pages={pages}
        id={(o) => o.id}
        every={3000}
        columns={columns}
        selected={(o) => o.id === id}
        empty={
          <Empty>
            No operation on many jobs was begun yet. Select some in the <a href={href("/jobs")}>list of jobs</a> to
            begin one.
          </Empty>
        }
      />
    </>
  );
}

const actions: Record<Operation["action"], string> = {
  PAUSE: "Pause",
  RESUME: "Resume",
  TRIGGER: "Trigger",
  DELETE: "Delete",
  TAG: "Tag",
};

const states: Record<Operation["state"], [text: string, tone: string]> = {
  MATCHING: ["Looking for the jobs", "s-running"],
  RUNNING: ["Running", "s-running"],
  DONE: ["Done", "s-success"],
  CANCELLED: ["Cancelled", "warn"],
  FAILED: ["Failed", "s-failed"],
};

const columns: Column<Operation>[] = [
  {
    name: "action",
    title: "Action",
    cell: (o) => (
      <a class="strong" href={href("/operations", { id: o.id })}>
        {actions[o.action]} {plural(o.counts.matched, "job")}
      </a>
    ),
  },
  {
    name: "state",
    title: "State",
    cell: (o) => <span class={`badge ${states[o.state][1]}`}>{states[o.state][0]}</span>,
  },
  { name: "progress", title: "Progress", cell: (o) => <Progress operation={o} /> },
  { name: "at", title: "Begun", cell: (o) => <Time at={o.createdAt} /> },
  { name: "by", title: "By", cell: (o) => authorOf(o.by) },
];

const dealtWith = ({ counts: c }: Operation): number => c.matched - c.pending;

function Progress({ operation: o }: { operation: Operation }) {
  return (
    <div>
      <progress
        aria-label={`${actions[o.action]}: jobs dealt with`}
        max={Math.max(1, o.counts.matched)}
        value={o.state === "MATCHING" ? 0 : dealtWith(o)}
      />
      <small class="second muted">
        {count(dealtWith(o))} of {count(o.counts.matched)}
        {o.counts.failed > 0 && `, ${count(o.counts.failed)} failed`}
      </small>
    </div>
  );
}

function One({ id, onChange }: { id: string; onChange: () => void }) {
  const asked = useApi("GET /operations/{id}", { path: { id } }, { every: 1000, keep: true });
  const o = asked.data;
  const cancel = (): void => {
    call("POST /operations/{id}/cancel", { path: { id } })
      .then(onChange)
      .catch((err: Error) => say(err.message, true));
  };
  return (
    <Panel
      title={o ? `${actions[o.action]} ${plural(o.counts.matched, "job")}` : "Operation"}
      id="operation"
      actions={
        <button type="button" class="quiet" onClick={() => setQuery({ id: "" })}>
          Close
        </button>
      }
    >
      <ErrorNote error={asked.error} />
      {!o && !asked.error && <Skeleton height={308} />}
      {o && <Counts operation={o} />}
      {o?.endedAt === null && (
        <button type="button" disabled={o.cancelRequestedAt !== null} onClick={cancel}>
          {o.cancelRequestedAt === null ? "Stop here" : "Stopping …"}
        </button>
      )}
    </Panel>
  );
}

function Counts({ operation: o }: { operation: Operation }) {
  const c = o.counts;
  const rows: [string, number][] = [
    ["Done", c.done],
    ["As it was already", c.unchanged],
    ["Failed", c.failed],
    ["Deleted by somebody else", c.skipped],
    ["Not found", c.notFound],
    ["Still to come", c.pending],
  ];
  return (
    <>
      <Progress operation={o} />
      <dl class="details">
        {rows.map(([name, n]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{count(n)}</dd>
          </div>
        ))}
        <div>
          <dt>Jobs</dt>
          <dd>{o.query ? <code>{JSON.stringify(o.query)}</code> : `${count(o.named ?? 0)} that were named`}</dd>
        </div>
        {o.fault && (
          <div>
            <dt>Why it failed</dt>
            <dd>{o.fault}</dd>
          </div>
        )}
        <div>
          <dt>Changes</dt>
          <dd>
            <a href={href("/changes", { operationId: o.id })}>What it has changed</a>
          </dd>
        </div>
      </dl>
      {o.errors && (
        <ul class="missing">
          {o.errors.map((e) => (
            <li key={e.jobId}>
              <JobLink id={e.jobId} /> {e.message}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
