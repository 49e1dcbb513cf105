// What has not ended: calls in flight, fires that wait, and retries with the time until which they wait.
import { call, serverNow } from "../api.ts";
import { count, duration } from "../format.ts";
import { href, setQuery, usePlace } from "../router.ts";
import { now } from "../settings.ts";
import { useStore } from "../store.ts";
import type { Routes, RunningExecution } from "../types.gen.ts";
import { Choice, Head, PartialNote, Time } from "../ui/basics.tsx";
import { Empty } from "../ui/empty.tsx";
import { TextFilter } from "../ui/filter.tsx";
import { JobLink, useJobZone } from "../ui/job.tsx";
import { type Column, List } from "../ui/list.tsx";
import { usePages } from "../use.ts";

type State = NonNullable<Routes["GET /executions/running"]["query"]["state"]>;

const states = [
  ["", "All"],
  ["inFlight", "In flight"],
  ["queued", "Queued"],
  ["retrying", "Waiting for a retry"],
] as const;

export function RunningNow() {
  const { query } = usePlace();
  const state = (query.get("state") ?? "") as State | "";
  const jobId = query.get("jobId") ?? "";
  const host = query.get("host") ?? "";
  const pages = usePages<RunningExecution>(`running ${state} ${jobId} ${host}`, async (cursor, signal) => {
    const q = {
      limit: 50,
      ...(state ? { state } : {}),
      ...(jobId ? { jobId } : {}),
      ...(host ? { host } : {}),
      ...(cursor ? { cursor } : {}),
    };
    const page = await call("GET /executions/running", { query: q, signal });
    return { items: page.executions, ...(page.nextCursor ? { cursor: page.nextCursor } : {}) };
  });
  return (
    <>
      <Head title="Running now" sub="Executions that have not ended, of all jobs">
        <button type="button" onClick={pages.reload}>
          Look again
        </button>
      </Head>
      <search class="filters">
        <Choice label="State" value={state} options={states} onChange={(s) => setQuery({ state: s })} />
        <TextFilter name="host" label="Host" value={host} />
        {jobId && (
          <button type="button" class="quiet" onClick={() => setQuery({ jobId: "" })}>
            Of all jobs
          </button>
        )}
      </search>
      <PartialNote of="GET /executions/running" what="What runs there is missing here." />
      <List
        title="Running now"
        pages={pages}
        id={(e) => e.id}
        every={2000}
        columns={columns}
        empty={<Empty>{state || jobId || host ? "Nothing that matches runs now." : "Nothing runs now."}</Empty>}
      />
    </>
  );
}

const words: Record<State, string> = { inFlight: "In flight", queued: "Queued", retrying: "Waits for a retry" };

const columns: Column<RunningExecution>[] = [
  { name: "job", title: "Job", cell: (e) => <JobLink id={e.jobId} /> },
  { name: "state", title: "State", cell: (e) => <StateOf execution={e} /> },
  { name: "scheduled", title: "Due", cell: (e) => <Due execution={e} /> },
  { name: "elapsed", title: "Elapsed", cell: (e) => <Elapsed execution={e} /> },
  { name: "retries", title: "Retries", cell: (e) => count(e.retryCount) },
  {
    name: "error",
    title: "Last error",
    cell: (e) => (
      <div class="error" title={e.error ?? undefined}>
        {e.error ?? ""}
      </div>
    ),
  },
];

function StateOf({ execution: e }: { execution: RunningExecution }) {
  const zone = useJobZone(e.jobId);
  return (
    <div>
      <span class={`badge s-${e.state === "inFlight" ? "running" : "pending"}`}>{words[e.state]}</span>
      {e.retryAt !== null && (
        <small class="second">
          again <Time at={e.retryAt} jobZone={zone} line />
        </small>
      )}
    </div>
  );
}

function Due({ execution: e }: { execution: RunningExecution }) {
  return (
    <a class="plainlink" href={href(`/executions/${e.id}`)}>
      <Time at={e.scheduledAt} jobZone={useJobZone(e.jobId)} />
    </a>
  );
}

function Elapsed({ execution: e }: { execution: RunningExecution }) {
  useStore(now);
  const since = e.startedAt ?? e.scheduledAt;
  return <>{duration(Math.max(0, Math.floor((serverNow() - since) / 1000) * 1000))}</>;
}
