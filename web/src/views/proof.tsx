// The audit, for people: by hour, how many fires were expected, how many are on record, and which are missing.
import { useEffect, useState } from "preact/hooks";
import { call, isAbort, serverNow } from "../api.ts";
import { compact, count, plural } from "../format.ts";
import { hour, hoursOf, sumOf, type Totals, totalsOf } from "../hours.ts";
import { setQuery, usePlace } from "../router.ts";
import type { Audit } from "../types.gen.ts";
import { Choice, ErrorNote, Head, Icon, Panel, Stat, Time } from "../ui/basics.tsx";
import { Empty } from "../ui/empty.tsx";
import { JobLink } from "../ui/job.tsx";

const lengths = [
  ["6", "6 hours"],
  ["24", "Day"],
  ["168", "Week"],
] as const;

type Length = (typeof lengths)[number][0];

interface Judged {
  from: number;
  to: number;
  audit?: Audit;
  error?: Error;
}

export function Proof() {
  const { query } = usePlace();
  const length = (lengths.find(([l]) => l === query.get("hours"))?.[0] ?? "6") as Length;
  const open = Number(query.get("at") ?? 0);
  const [turn, setTurn] = useState(0);
  const hours = useAudits(Number(length), turn);
  const judged = hours.filter((h) => h.audit !== undefined);
  const done = hours.length > 0 && judged.length === hours.length;
  const stopped = hours.some((h) => h.error);
  const sum = sumOf(judged.map((h) => totalsOf(h.audit as Audit)));
  return (
    <>
      <Head
        title="Proof"
        sub="Each fire that the schedules name is computed anew, by other code than that which sends, and looked up in the record."
      >
        <button type="button" onClick={() => setTurn(turn + 1)}>
          Audit again
        </button>
      </Head>
      <div class="filters">
        <Choice
          label="The last"
          value={length}
          options={lengths}
          onChange={(l) => setQuery({ hours: l === "6" ? "" : l, at: "" })}
        />
        <span class="muted progress" role="status">
          {done ? "All audited" : `${judged.length} of ${plural(hours.length, "hour")} audited${stopped ? "" : " …"}`}
        </span>
      </div>
      <Verdict sum={sum} begun={judged.length > 0} done={done} />
      {done && sum.expected === 0 && (
        <div class="note">
          <Empty>No fire was due in this time.</Empty>
        </div>
      )}
      <Panel title="By hour">
        <div class="scroll" tabIndex={0} role="region" aria-label="The hours">
          <Table hours={hours} open={open} />
        </div>
      </Panel>
    </>
  );
}

/** Audits one hour after the other, the newest first: an audit is work for the server. */
function useAudits(length: number, turn: number): Judged[] {
  const [hours, setHours] = useState<Judged[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: turn audits again
  useEffect(() => {
    const control = new AbortController();
    const now = serverNow();
    const all: Judged[] = hoursOf(Math.floor(now / hour - length + 1) * hour, now);
    setHours(all);
    const run = async (): Promise<void> => {
      for (const [i, h] of all.entries()) {
        let judged: Judged;
        try {
          const audit = await call("GET /audit", { query: { from: h.from, to: h.to }, signal: control.signal });
          judged = { ...h, audit };
        } catch (err) {
          if (isAbort(err)) return;
          judged = { ...h, error: err as Error };
        }
        setHours((before) => before.map((b, n) => (n === i ? judged : b)));
        if (judged.error) return;
      }
    };
    void run();
    return () => control.abort();
  }, [length, turn]);
  return hours;
}

function Verdict({ sum, begun, done }: { sum: Totals; begun: boolean; done: boolean }) {
  const good = sum.lost === 0 && sum.unexpected === 0;
  const of = (n: number): string => (begun ? compact(n) : "…");
  return (
    <dl class="stats">
      <Stat label="Expected" value={of(sum.expected)} sub="fires that the schedules name" />
      <Stat label="On record" value={of(sum.recorded)} sub="with their outcome" />
      <Stat label="Not ended" value={of(sum.pending)} sub="kept through a crash" />
      <Stat
        label="Lost"
        value={of(sum.lost)}
        {...(sum.lost ? { tone: "bad" as const } : done ? { tone: "good" as const } : {})}
        sub={good && done ? "Every fire is accounted for" : sum.lost ? "without a record" : " "}
      />
      <Stat label="Unexpected" value={of(sum.unexpected)} sub="records that no schedule names" />
    </dl>
  );
}

function Table({ hours, open }: { hours: Judged[]; open: number }) {
  return (
    <table class="plain proof">
      <thead>
        <tr>
          <th scope="col">From</th>
          {["Expected", "Success", "Failed", "Skipped", "Missed", "Unknown", "Not ended", "Late", "Lost"].map((h) => (
            <th key={h} scope="col" class="num">
              {h}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {hours.map((h) => (
          <Hour key={h.from} hour={h} open={open === h.from} />
        ))}
      </tbody>
    </table>
  );
}

function Hour({ hour: h, open }: { hour: Judged; open: boolean }) {
  const a = h.audit;
  const cell = (n: number | undefined) => <td class="num">{n === undefined ? "…" : count(n)}</td>;
  return (
    <>
      <tr>
        <th scope="row">
          <Time at={h.from} line />
        </th>
        {cell(a?.expected)}
        {cell(a?.succeeded)}
        {cell(a?.failed)}
        {cell(a?.skipped)}
        {cell(a?.missed)}
        {cell(a?.unknown)}
        {cell(a?.pending)}
        {cell(a?.late)}
        <td class="num">
          {a === undefined && "…"}
          {a && a.lostCount === 0 && (
            <span class="badge s-success">
              <Icon name="success" /> 0
            </span>
          )}
          {a && a.lostCount > 0 && (
            <button
              type="button"
              class="danger"
              aria-expanded={open}
              onClick={() => setQuery({ at: open ? "" : h.from })}
            >
              {count(a.lostCount)}
            </button>
          )}
        </td>
      </tr>
      {h.error && (
        <tr>
          <td colSpan={10}>
            <ErrorNote error={h.error} />
          </td>
        </tr>
      )}
      {open && a && a.lostCount > 0 && <Missing audit={a} />}
    </>
  );
}

/** The fires of an hour that have no record. */
function Missing({ audit: a }: { audit: Audit }) {
  return (
    <tr>
      <td colSpan={10}>
        <ul class="missing">
          {a.lost.map((f) => (
            <li key={f.executionId}>
              <JobLink id={f.jobId} /> version {f.version}, due <Time at={f.scheduledAt} line />
            </li>
          ))}
          {a.lostCount > a.lost.length && <li class="muted">and {count(a.lostCount - a.lost.length)} more</li>}
        </ul>
      </td>
    </tr>
  );
}
