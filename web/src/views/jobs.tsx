// The list of jobs: search, filters, sorts, selection.
import { useEffect, useState } from "preact/hooks";
import { call, recoveries } from "../api.ts";
import { count, plural } from "../format.ts";
import { useStrip, useWords } from "../lazy.ts";
import { useMay } from "../me.ts";
import { href, setQuery, usePlace } from "../router.ts";
import { useStore } from "../store.ts";
import type { ListedJob } from "../types.gen.ts";
import { Badge, Choice, Head, Icon, PartialNote, StatusBadge, Time } from "../ui/basics.tsx";
import { TextFilter } from "../ui/filter.tsx";
import { type Column, List, type Order } from "../ui/list.tsx";
import { Strip } from "../ui/strip.tsx";
import { usePages } from "../use.ts";
import { nameOf } from "../words.ts";
import { Bulk, type Selection } from "./bulk.tsx";
import {
  cleared,
  countOf,
  type Filters,
  filtersOf,
  inWords,
  listOf,
  selectable,
  selectionOf,
  sorts,
  sortsOfColumns,
  states,
} from "./filters.ts";

export function Jobs() {
  const filters = filtersOf(usePlace().query);
  const key = JSON.stringify(filters);
  const pages = usePages<ListedJob>(`jobs ${key}`, async (cursor, signal) => {
    const query = { ...listOf(filters), limit: 50, include: "lastExecution" as const, ...(cursor ? { cursor } : {}) };
    const page = await call("GET /jobs", { query, signal });
    return { items: page.jobs, ...(page.nextCursor ? { cursor: page.nextCursor } : {}) };
  });
  const [picked, setPicked] = useState<ReadonlyMap<string, ListedJob>>(new Map());
  const [all, setAll] = useState(false);
  const edits = useMay("editor");
  const [turn, setTurn] = useState(0);
  const counted = useCount(filters, pages.items.length, pages.done, turn);

  // biome-ignore lint/correctness/useExhaustiveDependencies: other filters are another selection
  useEffect(() => {
    setPicked(new Map());
    setAll(false);
  }, [key]);

  const pick = (job: ListedJob, on: boolean): void => {
    const next = new Map(picked);
    if (on) next.set(job.id, job);
    else next.delete(job.id);
    setAll(false);
    setPicked(next);
  };
  const shownPicked = pages.items.length > 0 && pages.items.every((j) => picked.has(j.id));
  const selection: Selection = all
    ? { query: selectionOf(filters), words: inWords(filters) }
    : { ids: [...picked.keys()] };
  const clear = (): void => {
    setPicked(new Map());
    setAll(false);
  };

  return (
    <>
      <Head title="Jobs" sub={<Counted counted={counted} filtered={inWords(filters) !== ""} />}>
        {edits && (
          <a class="button primary" href={href("/jobs/new")}>
            <Icon name="plus" /> New job
          </a>
        )}
      </Head>
      <FilterBar filters={filters} />
      <Bulk
        selection={selection}
        known={all ? counted.n : picked.size}
        onClear={clear}
        onDone={() => {
          pages.reload();
          setTurn(turn + 1); // what was changed may not match any more
        }}
        offerAll={
          shownPicked && !all && selectable(filters) ? (
            <button type="button" class="quiet" onClick={() => setAll(true)}>
              Select all that match
            </button>
          ) : undefined
        }
      />
      <PartialNote of="GET /jobs" what="The jobs that it fires are not in this order." />
      <List
        title="Jobs"
        pages={pages}
        id={(j) => j.id}
        selected={(j) => all || picked.has(j.id)}
        columns={columns(all, picked, pick, shownPicked, filters.sort, (on) =>
          on ? setPicked(new Map(pages.items.map((j) => [j.id, j]))) : clear(),
        ).filter((c) => edits || c.name !== "pick")}
        every={5000}
        empty={<Nothing filtered={inWords(filters) !== ""} />}
      />
    </>
  );
}

function columns(
  all: boolean,
  picked: ReadonlyMap<string, ListedJob>,
  pick: (job: ListedJob, on: boolean) => void,
  shownPicked: boolean,
  sort: string,
  pickShown: (on: boolean) => void,
): Column<ListedJob>[] {
  return [
    {
      name: "pick",
      title: "Selected",
      head: (
        <input
          type="checkbox"
          aria-label="Select all that are shown"
          checked={all || shownPicked}
          onChange={(e) => pickShown(e.currentTarget.checked)}
        />
      ),
      cell: (j) => (
        <input
          type="checkbox"
          aria-label={`Select ${nameOf(j)}`}
          checked={all || picked.has(j.id)}
          onChange={(e) => pick(j, e.currentTarget.checked)}
        />
      ),
    },
    { name: "job", title: "Job", sort: orderOf("job", sort), cell: (j) => <Name job={j} /> },
    { name: "schedule", title: "Schedule", cell: (j) => <Schedule job={j} /> },
    { name: "next", title: "Next fire", sort: orderOf("next", sort), cell: (j) => <Next job={j} /> },
    { name: "last", title: "Last outcome", sort: orderOf("last", sort), cell: (j) => <Last job={j} /> },
    { name: "strip", title: "Last 20", sort: orderOf("strip", sort), cell: (j) => <JobStrip id={j.id} /> },
  ];
}

/** The order that the heading of a column asks for; asked for again, the list is in the other direction, if there
 * is one, and then in its own order again. */
function orderOf(column: keyof typeof sortsOfColumns, sort: string): Order {
  const is = sortsOfColumns[column];
  const back = "back" in is ? is.back : "";
  const backwards = back !== "" && sort === back;
  return {
    direction: backwards ? "descending" : is.direction,
    words: is.words,
    on: backwards || sort === is.sort,
    toggle: () => setQuery({ sort: sort === is.sort ? back : backwards ? "" : is.sort }),
  };
}

function Name({ job }: { job: ListedJob }) {
  const { spec } = job;
  return (
    <div>
      <a class="strong" href={href(`/jobs/${job.id}`)}>
        {nameOf(job)}
      </a>{" "}
      {!job.isActive && <Badge of={["", "pause", "Paused"]} />}
      {job.error && <Badge of={["warn", "alerts", "Cannot run"]} title={job.error} />}
      <small class="second muted" title={[job.pausedReason, `${spec.method} ${spec.api}`].filter(Boolean).join(" · ")}>
        {job.pausedReason && <b>{job.pausedReason} · </b>}
        {spec.tags?.map((t) => (
          <span key={t} class="tag">
            {t}
          </span>
        ))}{" "}
        {spec.method} {spec.api.replace(/^https?:\/\//, "")}
      </small>
    </div>
  );
}

function Schedule({ job }: { job: ListedJob }) {
  const words = useWords(job.spec.schedule, job.spec.timezone);
  return (
    <div title={words}>
      {words?.replace(/, \S+ time\.$/, "").replace(/\.$/, "") ?? <code>{job.spec.schedule}</code>}
      <small class="second muted">
        <code>{job.spec.schedule}</code> {job.spec.timezone}
      </small>
    </div>
  );
}

function Next({ job }: { job: ListedJob }) {
  if (!job.isActive && job.pausedUntil) {
    return (
      <div>
        <span class="muted">Resumes</span> <Time at={job.pausedUntil} jobZone={job.spec.timezone} />
      </div>
    );
  }
  if (!job.isActive) return <span class="muted">Paused</span>;
  return <Time at={job.nextFireAt} jobZone={job.spec.timezone} none="None" due />;
}

function Last({ job }: { job: ListedJob }) {
  const e = job.lastExecution;
  if (!e) return <span class="muted">Never</span>;
  return (
    <div class="last">
      <StatusBadge status={e.status} title={e.error ?? undefined} />
      <Time at={e.completedAt ?? e.scheduledAt} jobZone={job.spec.timezone} />
    </div>
  );
}

function JobStrip({ id }: { id: string }) {
  const executions = useStrip(id);
  return executions ? <Strip executions={executions} /> : <span class="strip" />;
}

interface CountOf {
  n: number | undefined;
  /** There are more: counting goes on. */
  more: boolean;
}

/** How many jobs the filters match: counted by the server, page by page, unless the whole list is here. */
function useCount(filters: Filters, shown: number, done: boolean, turn: number): CountOf {
  const [state, set] = useState<{ key: string; n: number; more: boolean }>({ key: "", n: 0, more: true });
  const key = JSON.stringify(countOf(filters));
  const back = useStore(recoveries);
  // biome-ignore lint/correctness/useExhaustiveDependencies: counted anew after an operation and after an outage
  useEffect(() => {
    const control = new AbortController();
    const ask = async (): Promise<void> => {
      let n = 0;
      let cursor: string | undefined;
      do {
        const query = { ...(JSON.parse(key) as object), count: true, ...(cursor ? { cursor } : {}) };
        const page = await call("GET /jobs", { query, signal: control.signal });
        n += page.count ?? 0;
        cursor = page.nextCursor;
        if (control.signal.aborted) return;
        set({ key, n, more: cursor !== undefined });
      } while (cursor);
    };
    ask().catch(() => undefined); // the list says what is wrong
    return () => control.abort();
  }, [key, turn, back]);
  if (done) return { n: shown, more: false };
  return state.key === key ? state : { n: undefined, more: true };
}

function Counted({ counted, filtered }: { counted: CountOf; filtered: boolean }) {
  if (counted.n === undefined) return <span>Counting …</span>;
  const text = counted.more ? `${count(counted.n)} so far …` : plural(counted.n, "job");
  return (
    <span aria-live="polite">
      {text}
      {filtered && " match"}
      {filtered && counted.n === 1 && "es"}
    </span>
  );
}

function FilterBar({ filters: f }: { filters: Filters }) {
  return (
    <search class="filters">
      <Choice label="State" value={f.state} options={states} onChange={(state) => setQuery({ state })} />
      <TextFilter name="tag" label="Tag" value={f.tag} />
      <TextFilter name="host" label="Host" value={f.host} />
      <TextFilter name="namespace" label="Namespace" value={f.namespace} />
      <label>
        <span class="muted">Sort</span>{" "}
        <select value={f.sort} onChange={(e) => setQuery({ sort: e.currentTarget.value })}>
          {sorts.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </label>
      {inWords(f) !== "" && (
        <button type="button" class="quiet" onClick={() => setQuery(cleared)}>
          Clear filters
        </button>
      )}
    </search>
  );
}

function Nothing({ filtered }: { filtered: boolean }) {
  const edits = useMay("editor");
  if (filtered) {
    return (
      <>
        <p>No job matches.</p>
        <button type="button" onClick={() => setQuery(cleared)}>
          Clear filters
        </button>
      </>
    );
  }
  return (
    <>
      <p>There are no jobs yet.</p>
      <p>
        A job is a URL and when to call it.{" "}
        {edits ? (
          <a href={href("/jobs/new")}>Make one</a>
        ) : (
          <>
            <a href="/docs">The API</a> takes one with POST /jobs.
          </>
        )}
      </p>
    </>
  );
}
