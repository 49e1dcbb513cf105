// Jobs that fail or have failed, and fires that an audit did not find on record.
import { useMemo, useState } from "preact/hooks";
import { call } from "../api.ts";
import { count, plural } from "../format.ts";
import { useActing } from "../lazy.ts";
import { useMay } from "../me.ts";
import { href, setQuery, usePlace } from "../router.ts";
import type { Alert } from "../types.gen.ts";
import { AlertTabs } from "../ui/alerttabs.tsx";
import { Badge, Choice, Head, Icon, Time } from "../ui/basics.tsx";
import { Empty } from "../ui/empty.tsx";
import { JobLink, useJobZone } from "../ui/job.tsx";
import { type Column, List } from "../ui/list.tsx";
import { useApi, usePages } from "../use.ts";
import { EditSilence } from "./silenceform.tsx";

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
  const [silencing, setSilencing] = useState<string>();
  const edits = useMay("editor");
  const quiet = useAnything();
  const columns = useMemo(() => columnsOf(quiet.names, edits ? setSilencing : undefined), [quiet.names, edits]);
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
      {silencing !== undefined && (
        <Silence jobId={silencing} onClose={() => setSilencing(undefined)} onDone={quiet.reload} />
      )}
    </>
  );
}

/** All silences and maintenance windows that act now, by their names. */
function useAnything(): { names: string; reload: () => void } {
  const query = { active: true };
  const silences = useApi("GET /alerts/silences", { query }, { every: 10_000, keep: true });
  const windows = useApi("GET /alerts/windows", { query }, { every: 10_000, keep: true });
  const names = [
    ...(silences.data?.silences.map((s) => `${s.id} ${s.endsAt}`) ?? []),
    ...(windows.data?.windows.map((w) => `${w.id} ${w.updatedAt}`) ?? []),
  ];
  const reload = (): void => {
    silences.reload();
    windows.reload();
  };
  return { names: names.join(" "), reload };
}

/** The form of a silence about the job of an alert. */
function Silence({ jobId, onClose, onDone }: { jobId: string; onClose: () => void; onDone: () => void }) {
  return (
    <EditSilence
      id={undefined}
      match={{ jobs: [jobId] }}
      jobZone={useJobZone(jobId)}
      onClose={() => {
        onClose();
        onDone();
      }}
    />
  );
}

/** anything: all that acts now. */
const columnsOf = (anything: string, silence: ((jobId: string) => void) | undefined): Column<Alert>[] => [
  { name: "state", title: "State", cell: (a) => <State alert={a} anything={anything} /> },
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
  ...(silence
    ? [
        {
          name: "silence",
          title: "Silence",
          cell: (a: Alert) =>
            a.open && (
              <button
                type="button"
                class="quiet"
                aria-label="Silence this"
                title="Silence this"
                onClick={() => silence(a.jobId)}
              >
                <Icon name="silence" />
              </button>
            ),
        },
      ]
    : []),
];

function State({ alert: a, anything }: { alert: Alert; anything: string }) {
  const zone = useJobZone(a.jobId);
  const quiet = useActing(a.jobId, anything);
  if (a.kind === "LOST") return <Badge of={["warn", "missed", "Lost"]} />;
  if (a.open) {
    return (
      <div title={quiet ? `Nobody is told: ${quiet.reason}, by ${quiet.by}` : undefined}>
        <Badge of={quiet ? ["s-failed", "silence", "Silenced"] : ["s-failed", "alerts", "Open"]} />
        {quiet && (
          <small class="second">
            ends <Time at={quiet.until} jobZone={zone} line />
          </small>
        )}
      </div>
    );
  }
  return (
    <div>
      <Badge of={["s-success", "success", "Recovered"]} />
      <small class="second">
        <Time at={a.recoveredAt} jobZone={zone} line />
      </small>
    </div>
  );
}

function When({ alert: a, at }: { alert: Alert; at: number }) {
  return <Time at={at} jobZone={useJobZone(a.jobId)} />;
}
