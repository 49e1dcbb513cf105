// What has failed, of all jobs.
import { useMemo } from "preact/hooks";
import { call, serverNow } from "../api.ts";
import { count, duration } from "../format.ts";
import { href, setQuery, usePlace } from "../router.ts";
import type { Execution } from "../types.gen.ts";
import { Choice, Head, StatusBadge, Time } from "../ui/basics.tsx";
import { Empty } from "../ui/empty.tsx";
import { TextFilter } from "../ui/filter.tsx";
import { JobLink, useJobZone } from "../ui/job.tsx";
import { type Column, List } from "../ui/list.tsx";
import { usePages } from "../use.ts";

const shown = [
  ["", "Failed"],
  ["UNKNOWN", "Unknown"],
  ["MISSED", "Missed"],
  ["SKIPPED", "Skipped"],
] as const;

type Shown = (typeof shown)[number][0];

const ranges = [
  ["", "Ever"],
  ["hour", "Last hour"],
  ["day", "Last day"],
  ["week", "Last week"],
] as const;

const lengths: Record<string, number> = { hour: 3_600_000, day: 86_400_000, week: 7 * 86_400_000 };

export function Failed() {
  const { query } = usePlace();
  const status = (query.get("status") ?? "") as Shown;
  const range = query.get("last") ?? "";
  const jobId = query.get("jobId") ?? "";
  const host = query.get("host") ?? "";
  // The list begins at one instant, whatever page of it is asked for.
  const from = useMemo(() => {
    const length = lengths[range];
    return length ? Math.floor(serverNow() / 60_000) * 60_000 - length : undefined;
  }, [range]);
  const pages = usePages<Execution>(`failed ${status} ${range} ${jobId} ${host}`, async (cursor, signal) => {
    const q = {
      status: [status || ("FAILED" as const)],
      limit: 50,
      ...(from ? { from } : {}),
      ...(jobId ? { jobId } : {}),
      ...(host ? { host } : {}),
      ...(cursor ? { cursor } : {}),
    };
    const page = await call("GET /executions", { query: q, signal });
    return { items: page.executions, ...(page.nextCursor ? { cursor: page.nextCursor } : {}) };
  });
  return (
    <>
      <Head title="Failed" sub="What did not succeed, of all jobs, the newest first">
        <button type="button" onClick={pages.reload}>
          Look again
        </button>
      </Head>
      <search class="filters">
        <Choice label="Status" value={status} options={shown} onChange={(s) => setQuery({ status: s })} />
        <Choice
          label="When"
          value={range as (typeof ranges)[number][0]}
          options={ranges}
          onChange={(last) => setQuery({ last })}
        />
        <TextFilter name="host" label="Host" value={host} />
        {jobId && (
          <button type="button" class="quiet" onClick={() => setQuery({ jobId: "" })}>
            Of all jobs
          </button>
        )}
      </search>
      <List
        title="Failed"
        pages={pages}
        id={(e) => e.id}
        columns={columns}
        empty={<Empty>No execution ended so.</Empty>}
      />
    </>
  );
}

const columns: Column<Execution>[] = [
  { name: "status", title: "Status", cell: (e) => <StatusBadge status={e.status} /> },
  { name: "job", title: "Job", cell: (e) => <JobLink id={e.jobId} /> },
  { name: "scheduled", title: "Due", cell: (e) => <Due execution={e} /> },
  { name: "duration", title: "Duration", cell: (e) => (e.duration === null ? "–" : duration(e.duration)) },
  { name: "retries", title: "Retries", cell: (e) => count(e.retryCount) },
  { name: "http", title: "HTTP", cell: (e) => e.httpStatus ?? "–" },
  {
    name: "error",
    title: "What went wrong",
    cell: (e) => (
      <div class="error" title={e.error ?? undefined}>
        {e.error ?? (e.missed ? `${count(e.missed.count)} fires` : "")}
      </div>
    ),
  },
];

function Due({ execution: e }: { execution: Execution }) {
  return (
    <a class="plainlink" href={href(`/executions/${e.id}`)}>
      <Time at={e.scheduledAt} jobZone={useJobZone(e.jobId)} />
    </a>
  );
}
