// Jobs that fail or have failed, and fires that an audit did not find on record.
import { call } from "../api.ts";
import { count, plural } from "../format.ts";
import { href, setQuery, usePlace } from "../router.ts";
import type { Alert } from "../types.gen.ts";
import { AlertTabs } from "../ui/alerttabs.tsx";
import { Choice, Head, Icon, Time } from "../ui/basics.tsx";
import { Empty } from "../ui/empty.tsx";
import { JobLink, useJobZone } from "../ui/job.tsx";
import { type Column, List } from "../ui/list.tsx";
import { usePages } from "../use.ts";

const shown = [
  ["", "Open"],
  ["all", "All"],
  ["recovered", "Recovered"],
  ["lost", "Lost fires"],
] as const;

type Shown = (typeof shown)[number][0];

const passes: Record<Shown, (a: Alert) => boolean> = {
  "": (a) => a.open,
  all: () => true,
  recovered: (a) => !a.open,
  lost: (a) => a.kind === "LOST",
};

/** The most pages that are looked through for a filter that the server does not have. */
const mostPages = 5;

export function Alerts() {
  const { query } = usePlace();
  const state = (query.get("state") ?? "") as Shown;
  const pages = usePages<Alert>(`alerts ${state}`, async (cursor, signal) => {
    const items: Alert[] = [];
    let next = cursor;
    for (let n = 0; n < mostPages; n++) {
      const q = { limit: 100, ...(state === "" ? { open: true } : {}), ...(next ? { cursor: next } : {}) };
      const page = await call("GET /observability/alerts", { query: q, signal });
      items.push(...page.alerts.filter(passes[state] ?? passes.all));
      next = page.nextCursor;
      if (!next || items.length > 0) break;
    }
    return { items, ...(next ? { cursor: next } : {}) };
  });
  return (
    <>
      <Head title="Alerts" sub="Jobs whose last executions have failed, and fires without a record">
        <button type="button" onClick={pages.reload}>
          Look again
        </button>
      </Head>
      <AlertTabs />
      <search class="filters">
        <Choice label="State" value={state} options={shown} onChange={(s) => setQuery({ state: s })} />
      </search>
      <List
        title="Alerts"
        pages={pages}
        id={(a) => `${a.jobId} ${a.kind} ${a.firstAt}`}
        columns={columns}
        empty={<Empty>{state === "" ? "No alert is open: every job that runs succeeds." : "There are none."}</Empty>}
      />
    </>
  );
}

const columns: Column<Alert>[] = [
  { name: "state", title: "State", cell: (a) => <State alert={a} /> },
  { name: "job", title: "Job", cell: (a) => <JobLink id={a.jobId} /> },
  {
    name: "count",
    title: "In a row",
    cell: (a) => (a.kind === "LOST" ? plural(a.count, "fire") : plural(a.count, "failure")),
  },
  { name: "first", title: "Since", cell: (a) => <When alert={a} at={a.firstAt} /> },
  {
    name: "last",
    title: "Latest",
    cell: (a) => (
      <a class="plainlink" href={href(`/executions/${a.executionId}`)}>
        <When alert={a} at={a.lastAt} />
      </a>
    ),
  },
  {
    name: "error",
    title: "What went wrong",
    cell: (a) => (
      <div class="error" title={a.error ?? undefined}>
        {a.error ?? (a.kind === "LOST" ? `${count(a.count)} without a record` : "")}
      </div>
    ),
  },
];

function State({ alert: a }: { alert: Alert }) {
  const zone = useJobZone(a.jobId);
  if (a.kind === "LOST") {
    return (
      <span class="badge warn">
        <Icon name="missed" /> Lost
      </span>
    );
  }
  if (a.open) {
    return (
      <span class="badge s-failed">
        <Icon name="alerts" /> Open
      </span>
    );
  }
  return (
    <div>
      <span class="badge s-success">
        <Icon name="success" /> Recovered
      </span>
      <small class="second">
        <Time at={a.recoveredAt} jobZone={zone} line />
      </small>
    </div>
  );
}

function When({ alert: a, at }: { alert: Alert; at: number }) {
  return <Time at={at} jobZone={useJobZone(a.jobId)} />;
}
