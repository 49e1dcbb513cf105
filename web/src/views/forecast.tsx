// How many fires are due when: the next hour by the second, the next day by the minute, the next week by the hour.
import { useMemo } from "preact/hooks";
import { compact, count, plural, rate } from "../format.ts";
import { href, setQuery, usePlace } from "../router.ts";
import type { Forecast as Answer, ForecastShare } from "../types.gen.ts";
import { Choice, ErrorNote, Head, Panel, Skeleton, Stat, Time } from "../ui/basics.tsx";
import { Chart, type Line } from "../ui/chart.tsx";
import { Empty } from "../ui/empty.tsx";
import { TextFilter } from "../ui/filter.tsx";
import { useApi } from "../use.ts";

const reaches = [
  ["second", "Next hour by second"],
  ["minute", "Next day by minute"],
  ["hour", "Next week by hour"],
] as const;

type Step = (typeof reaches)[number][0];

const each: Record<Step, string> = { second: "a second", minute: "a minute", hour: "an hour" };

const stepOf = (text: string | null): Step => (text === "minute" || text === "hour" ? text : "second");

export function Forecast() {
  const { query: q } = usePlace();
  const step = stepOf(q.get("step"));
  const filters = { host: q.get("host") ?? "", tag: q.get("tag") ?? "", namespace: q.get("namespace") ?? "" };
  const f = useApi("GET /forecast", { query: { step, ...filters } }, { keep: true });
  const fits = f.data?.step === step;
  return (
    <>
      <Head title="Forecast" sub="How many fires are due when, by the schedules as they are now">
        <span class="muted" role="status">
          {!f.data && f.loading && "The server goes through all jobs …"}
          {f.data && (
            <>
              Computed <Time at={f.data.computedAt} line />
            </>
          )}
        </span>
        <button type="button" disabled={f.loading} onClick={f.reload}>
          Compute again
        </button>
      </Head>
      <search class="filters">
        <Choice
          label="How far"
          value={step}
          options={reaches}
          onChange={(v) => setQuery({ step: v === "second" ? "" : v })}
        />
        <TextFilter name="host" label="Host" value={filters.host} />
        <TextFilter name="tag" label="Tag" value={filters.tag} />
        <TextFilter name="namespace" label="Namespace" value={filters.namespace} />
      </search>
      <ErrorNote error={f.error} retry={f.reload} />
      {f.data?.jobs === 0 && (
        <div class="empty">
          <Empty>No active job matches, so nothing is due.</Empty>
        </div>
      )}
      {(!f.data || !fits) && !f.error && <Skeleton height={420} />}
      {f.data && fits && f.data.jobs > 0 && <Shown forecast={f.data} step={step} />}
    </>
  );
}

function Shown({ forecast: f, step }: { forecast: Answer; step: Step }) {
  const at = useMemo(() => f.points.map((p) => p.at), [f]);
  const lines = useMemo(
    (): Line[] => [
      { label: `Fires ${each[step]}`, color: "--accent", values: f.points.map((p) => p.count), bars: true },
    ],
    [f, step],
  );
  const seconds = (f.to - f.from) / 1000;
  return (
    <>
      {f.truncated && (
        <p class="note warn">
          There are too many different schedules or names to count all: these figures are too low.
        </p>
      )}
      <dl class="stats">
        <Stat label="Fires in all" value={compact(f.total)} sub={`of ${plural(f.jobs, "active job")}`} />
        <Stat label="On average" value={rate(f.total / seconds)} />
        <Stat label={`Peak, fires ${each[step]}`} value={f.peak ? compact(f.peak.count) : "–"} />
        <Stat label="When" value={f.peak ? <Time at={f.peak.at} /> : "–"} sub={f.peak ? "" : "Nothing is due."} />
      </dl>
      <Panel title={`Fires ${each[step]}`} id="fires">
        <Chart title={`Fires ${each[step]}`} at={at} lines={lines} unit={compact} whole height={240} />
      </Panel>
      <div class="columns">
        {f.peak && <Peak peak={f.peak} />}
        <By title="By host" name="host" rows={f.byHost} total={f.total} />
        <By title="By tag" name="tag" rows={f.byTag} total={f.total} />
        {f.byNamespace.length > 1 && <By title="By namespace" name="namespace" rows={f.byNamespace} total={f.total} />}
      </div>
    </>
  );
}

/** Which jobs make the peak. */
function Peak({ peak: p }: { peak: NonNullable<Answer["peak"]> }) {
  return (
    <Panel title="What makes the peak">
      <p>
        {plural(p.count, "fire")}, <Time at={p.at} line />. Of each schedule one job is named, the most fires first:
      </p>
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">Job</th>
            <th scope="col" class="num">
              Its fires
            </th>
          </tr>
        </thead>
        <tbody>
          {p.jobs.map((j) => (
            <tr key={j.jobId}>
              <td>
                <a class="strong" href={href(`/jobs/${j.jobId}`)}>
                  {j.name || j.jobId}
                </a>
              </td>
              <td class="num">{count(j.count)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function By(props: { title: string; name: string; rows: ForecastShare[]; total: number }) {
  const step = usePlace().query.get("step");
  if (props.rows.length === 0) return null;
  return (
    <Panel title={props.title}>
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">{props.title.charAt(3).toUpperCase() + props.title.slice(4)}</th>
            <th scope="col" class="num">
              Fires
            </th>
            <th scope="col">Share</th>
          </tr>
        </thead>
        <tbody>
          {props.rows.map((r) => (
            <tr key={r.name}>
              <td>
                <a class="strong" href={href("/forecast", { step, [props.name]: r.name })}>
                  {r.name}
                </a>
              </td>
              <td class="num">{compact(r.count)}</td>
              <td class="share">
                <meter min={0} max={Math.max(1, props.total)} value={r.count} aria-label={`Share of ${r.name}`} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}
