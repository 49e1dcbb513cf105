// What a job has done: the last ones as a strip and as charts, and all of them as a list.
import { useMemo } from "preact/hooks";
import { call } from "../api.ts";
import { count, duration } from "../format.ts";
import { later, latelyShown } from "../lately.ts";
import { instantIn, wallOf } from "../quiet.ts";
import { href, setQuery, usePlace } from "../router.ts";
import { zone as chosenZone } from "../settings.ts";
import { useStore } from "../store.ts";
import { zoneOf } from "../time.ts";
import type { Execution, Job } from "../types.gen.ts";
import { ErrorNote, Panel, PartialNote, Skeleton, StatusBadge, statuses, statusWords, Time } from "../ui/basics.tsx";
import { Chart, type Line } from "../ui/chart.tsx";
import { type Column, List } from "../ui/list.tsx";
import { Strip } from "../ui/strip.tsx";
import { useApi, usePages } from "../use.ts";

/** The instant of an address, in milliseconds or, in older addresses, by the clock of the browser; undefined: none. */
export function instantOf(text: string | null): number | undefined {
  const at = text ? (/^\d+$/.test(text) ? Number(text) : new Date(text).getTime()) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

export function Executions({ job }: { job: Job }) {
  const { query } = usePlace();
  const status = query.get("status") ?? "";
  const from = query.get("from");
  const to = query.get("to");
  const manual = query.get("manual") ?? "";
  const filters = {
    ...(status ? { status: [status as Execution["status"]] } : {}),
    ...(instantOf(from) === undefined ? {} : { from: instantOf(from) }),
    ...(instantOf(to) === undefined ? {} : { to: instantOf(to) }),
    ...(manual ? { manual: manual === "true" } : {}),
  };
  const zone = zoneOf(useStore(chosenZone), job.spec.timezone);
  const path = { id: job.id };
  const pages = usePages<Execution>(`executions ${job.id} ${JSON.stringify(filters)}`, async (cursor, signal) => {
    const page = await call("GET /jobs/{id}/executions", {
      path,
      query: { limit: 50, ...filters, ...(cursor ? { cursor } : {}) },
      signal,
    });
    return { items: page.executions, ...(page.nextCursor ? { cursor: page.nextCursor } : {}) };
  });
  return (
    <>
      <Lately job={job} />
      <section class="section" aria-labelledby="h-executions">
        <header>
          <h2 id="h-executions">Executions</h2>
          <search class="filters">
            <select aria-label="Status" value={status} onChange={(e) => setQuery({ status: e.currentTarget.value })}>
              <option value="">Every status</option>
              {statuses.map((s) => (
                <option key={s} value={s}>
                  {statusWords[s]}
                </option>
              ))}
            </select>
            <select
              aria-label="Started by"
              value={manual}
              onChange={(e) => setQuery({ manual: e.currentTarget.value })}
            >
              <option value="">Scheduled and by hand</option>
              <option value="false">Scheduled</option>
              <option value="true">By hand</option>
            </select>
            <Instant name="from" label="From" at={instantOf(from)} zone={zone} />
            <Instant name="to" label="to" at={instantOf(to)} zone={zone} /> <span class="muted">{zone}</span>
          </search>
        </header>
        <PartialNote of="GET /jobs/{id}/executions" what="An execution that runs there is missing here." />
        <List
          title="Executions"
          pages={pages}
          id={(e) => e.id}
          rowHeight={48}
          every={3000}
          columns={columnsOf(job)}
          empty={Object.keys(filters).length ? "No execution matches." : "Nothing was executed yet."}
        />
      </section>
    </>
  );
}

/** A point in time as a filter, by the clock of the zone in which the list has its times. */
function Instant({ name, label, at, zone }: { name: string; label: string; at: number | undefined; zone: string }) {
  return (
    <label>
      {label}{" "}
      <input
        type="datetime-local"
        step={1}
        title={`By the clock of ${zone}`}
        value={at === undefined ? "" : wallOf(at, zone)}
        onChange={(e) => setQuery({ [name]: String(instantIn(e.currentTarget.value, zone) ?? "") })}
      />
    </label>
  );
}

const columnsOf = (job: Job): Column<Execution>[] => [
  { name: "status", title: "Status", cell: (e) => <StatusBadge status={e.status} /> },
  {
    name: "scheduled",
    title: "Scheduled",
    cell: (e) => (
      <a class="plainlink" href={href(`/executions/${e.id}`)}>
        <Time at={e.scheduledAt} jobZone={job.spec.timezone} />
      </a>
    ),
  },
  { name: "drift", title: "Drift", cell: (e) => (e.startedAt === null ? "–" : duration(e.startedAt - e.scheduledAt)) },
  { name: "duration", title: "Duration", cell: (e) => (e.duration === null ? "–" : duration(e.duration)) },
  { name: "retries", title: "Retries", cell: (e) => count(e.retryCount) },
  { name: "http", title: "HTTP", cell: (e) => e.httpStatus ?? "–" },
  {
    name: "error",
    title: "What went wrong",
    cell: (e) => (
      <div class="error" title={e.error ?? undefined}>
        {e.manual && <span class="tag">by hand</span>} {e.error ?? (e.missed ? `${count(e.missed.count)} fires` : "")}
      </div>
    ),
  },
];

/** The last 200 executions as a strip, and how long they took and how late they were. */
function Lately({ job }: { job: Job }) {
  const asked = useApi(
    "GET /jobs/{id}/executions",
    { path: { id: job.id }, query: { limit: latelyShown } },
    { every: 10_000, keep: true, later },
  );
  const executions = asked.data?.executions;
  const sent = useMemo(() => (executions ?? []).filter((e) => e.startedAt !== null).reverse(), [executions]);
  const at = useMemo(() => sent.map((e) => e.scheduledAt), [sent]);
  const lines = useMemo((): [Line[], Line[]] => {
    const drift = sent.map((e) => (e.startedAt === null || e.manual ? null : e.startedAt - e.scheduledAt));
    return [
      [{ label: "Duration, retries included", color: "--info", values: sent.map((e) => e.duration) }],
      [{ label: "Drift", color: "--accent", values: drift }],
    ];
  }, [sent]);
  return (
    <Panel title="Lately" actions={executions && <Strip executions={executions} links />}>
      <ErrorNote error={asked.error} />
      {!executions && !asked.error && <Skeleton height={220} />}
      {executions && sent.length < 2 && <p class="muted">Too few executions for a chart.</p>}
      {sent.length >= 2 && (
        <div class="columns">
          <Chart
            title={`Duration of the last ${sent.length}`}
            at={at}
            lines={lines[0]}
            unit={duration}
            jobZone={job.spec.timezone}
          />
          <Chart
            title={`Drift of the last ${sent.length}`}
            at={at}
            lines={lines[1]}
            unit={duration}
            jobZone={job.spec.timezone}
          />
        </div>
      )}
    </Panel>
  );
}
