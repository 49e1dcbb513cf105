// What executions add up to over the last hour, day or week: of all jobs, or of one.
import { useMemo } from "preact/hooks";
import { serverNow } from "../api.ts";
import { compact, count, duration, percent } from "../format.ts";
import { setQuery, usePlace } from "../router.ts";
import { type Columns, columnsOf, isSpan, type Span, spans, totalsOf } from "../series.ts";
import { Choice, ErrorNote, Panel, Skeleton, Stat } from "../ui/basics.tsx";
import { Chart, type Line } from "../ui/chart.tsx";
import { useApi } from "../use.ts";

const choices = [
  ["hour", "Hour"],
  ["day", "Day"],
  ["week", "Week"],
] as const;

export function History({ jobId, jobZone }: { jobId?: string; jobZone?: string }) {
  const text = usePlace().query.get("span");
  const span: Span = isSpan(text) ? text : "hour";
  const { ms, step, stepMs } = spans[span];
  // the question changes with each step: the window moves on
  const end = Math.floor(serverNow() / stepMs) * stepMs + stepMs;
  const query = { from: end - ms, to: end, step, ...(jobId ? { jobId } : {}) };
  const asked = useApi("GET /observability/series", { query }, { every: 10_000, keep: true });
  const s = asked.data;
  const columns = useMemo(() => s && columnsOf(s.points, s.from, s.to, spans[span].stepMs), [s, span]);
  const totals = useMemo(() => s && totalsOf(s.points), [s]);
  const fits = s?.step === step;
  return (
    <Panel
      title={`The last ${span}`}
      id="history"
      actions={
        <Choice
          label="Span"
          value={span}
          options={choices}
          onChange={(v) => setQuery({ span: v === "hour" ? "" : v })}
        />
      }
    >
      <ErrorNote error={asked.error} />
      {(!columns || !totals || !fits) && !asked.error && <Skeleton height={300} />}
      {columns && totals && fits && (
        <>
          <dl class="stats inner">
            <Stat
              label="Executions"
              value={compact(totals.success + totals.failed + totals.notSent)}
              sub={`${count(totals.notSent)} not sent`}
            />
            <Stat
              label="Success rate"
              value={percent(totals.success, totals.success + totals.failed)}
              sub={`${count(totals.failed)} failed`}
              {...(totals.failed ? { tone: "bad" as const } : {})}
            />
            <Stat label="Retries" value={compact(totals.retries)} />
            <Stat label="Longest drift" value={totals.worstDrift === null ? "–" : duration(totals.worstDrift)} />
          </dl>
          <Charts columns={columns} jobZone={jobZone} />
          {s.from > query.from && <p class="muted">Older points are not kept.</p>}
        </>
      )}
    </Panel>
  );
}

function Charts({ columns: c, jobZone }: { columns: Columns; jobZone: string | undefined }) {
  const lines = useMemo((): [Line[], Line[], Line[]] => {
    const two = (name: string, p50: Line["values"], p99: Line["values"]): Line[] => [
      { label: `${name} p50`, color: "--info", values: p50 },
      { label: "p99", color: "--accent", values: p99 },
    ];
    return [
      [
        { label: "Success", color: "--good", values: c.success },
        { label: "Failed", color: "--bad", values: c.failed },
        { label: "Not sent", color: "--idle", values: c.notSent },
      ],
      two("Drift", c.driftP50, c.driftP99),
      two("Duration", c.durationP50, c.durationP99),
    ];
  }, [c]);
  return (
    <div class="columns three">
      <Chart title="Executions" at={c.at} lines={lines[0]} unit={compact} whole height={150} jobZone={jobZone} />
      <Chart title="Drift" at={c.at} lines={lines[1]} unit={duration} height={150} jobZone={jobZone} />
      <Chart title="Duration" at={c.at} lines={lines[2]} unit={duration} height={150} jobZone={jobZone} />
    </div>
  );
}
