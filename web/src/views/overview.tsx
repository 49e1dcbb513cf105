// The overview: is all well, what goes on, and what fails.
import { useEffect, useMemo, useRef } from "preact/hooks";
import { serverNow } from "../api.ts";
import { compact, count, duration, plural, rate } from "../format.ts";
import { useJobName } from "../lazy.ts";
import { type Moment, useLive } from "../live.ts";
import { me } from "../me.ts";
import { href } from "../router.ts";
import { useStore } from "../store.ts";
import type { Alert, Health, Host, Metrics } from "../types.gen.ts";
import { ErrorNote, Head, Icon, Panel, Skeleton, Stat, Time } from "../ui/basics.tsx";
import { Chart, type Line } from "../ui/chart.tsx";
import { FirstJob } from "../ui/empty.tsx";
import { useApi } from "../use.ts";
import { History } from "./history.tsx";

export function Overview() {
  const health = useApi("GET /observability/health", {}, { every: 3000, keep: true });
  // what is about all namespaces is not for a key that is confined to one
  const confined = !!useStore(me)?.namespaces;
  return (
    <>
      <Head title="Overview" />
      <HealthLine health={health.data} error={health.error} />
      <NextPeak />
      {!confined && <OfAll />}
      <div class="columns">
        <FailingJobs />
        {!confined && <FailingHosts />}
      </div>
      <About health={health.data} confined={confined} />
    </>
  );
}

/** How long an answer about what is to come is shown, unless the peak comes before. */
const forecastFor = 300_000;

/** The minute of the next day in which most fires are due. */
function NextPeak() {
  const asked = useApi("GET /forecast", { query: { step: "minute" } }, { every: forecastFor, keep: true });
  const { data: f, error, reload } = asked;
  const at = f?.peak?.at;
  useEffect(() => {
    const wait = at === undefined ? Number.POSITIVE_INFINITY : at + 60_000 - serverNow();
    if (wait <= 0 || wait > forecastFor) return;
    const timer = setTimeout(reload, wait); // it is over then
    return () => clearTimeout(timer);
  }, [at, reload]);
  return (
    <div class="peak">
      <Icon name="forecast" /> <b>Next peak</b> {!f && <span class="muted">{error ? error.message : "…"}</span>}
      {f && !f.peak && <span class="muted">Nothing is due in the next day.</span>}
      {f && !f.peak && <FirstJob />}
      {f?.peak && (
        <>
          <span>{plural(f.peak.count, "fire")} within the minute</span> <Time at={f.peak.at} line />
        </>
      )}{" "}
      {f?.jobs !== 0 && <a href={href("/forecast", { step: "minute" })}>Forecast</a>}
    </div>
  );
}

/** What goes on in all namespaces together. */
function OfAll() {
  const metrics = useApi("GET /observability/metrics", {}, { every: 3000, keep: true });
  const live = useLive();
  return (
    <>
      <ErrorNote error={metrics.error} />
      <Figures metrics={metrics.data} live={live} />
      {live && <LiveCharts moments={live} />}
      <History />
    </>
  );
}

/** Whether all is well, and if not, why. */
function HealthLine({ health: h, error }: { health: Health | undefined; error: Error | undefined }) {
  if (error) return <ErrorNote error={error} />;
  if (!h) return <Skeleton height={46} />;
  const checks = Object.entries(h.checks);
  const bad = checks.filter(([, c]) => !c.ok);
  const warned = checks.filter(([, c]) => c.ok && c.warning);
  const tone = bad.length ? "bad" : warned.length ? "warn" : "good";
  return (
    <section class={`health ${tone}`} aria-label="Health">
      <details>
        <summary>
          <Icon name={bad.length ? "failed" : warned.length ? "alerts" : "success"} />
          <b>{bad.length ? "Unhealthy" : "Healthy"}</b>
          <span>
            {bad.length > 0 && `${plural(bad.length, "check")} failed`}
            {!bad.length && warned.length > 0 && `${plural(warned.length, "warning")}`}
            {!bad.length && !warned.length && `all ${checks.length} checks are well`}
          </span>
        </summary>
        <ul class="checks">
          {checks
            .filter(([, c]) => c.ok && !c.warning)
            .map(([name]) => (
              <li key={name}>{name}</li>
            ))}
        </ul>
      </details>
      {bad.map(([name, c]) => (
        <p key={name}>
          <b>{name}</b>: {c.detail ?? "not well"}
        </p>
      ))}
      {warned.map(([name, c]) => (
        <p key={name}>
          <b>{name}</b>: {c.warning}
        </p>
      ))}
    </section>
  );
}

function Figures({ metrics: m, live }: { metrics: Metrics | undefined; live: Moment[] | undefined }) {
  const now = live?.at(-1);
  const e = m?.executions;
  const drift = now?.driftMs;
  const sent = e ? e.successful + e.failed + e.unknown : 0;
  const failures = m?.alerts.recentFailures;
  return (
    <dl class="stats">
      {live && <Stat label="Fires a second" value={now ? rate(now.firesPerSecond) : "…"} sub="now" />}
      {live && (
        <Stat
          label="Drift, p50"
          value={drift ? duration(drift.p50) : now ? "–" : "…"}
          sub={drift ? `p99 ${duration(drift.p99)}` : "last minute"}
          {...(drift && drift.p99 > 1000 ? { tone: "warn" as const } : {})}
        />
      )}
      {live && <Stat label="In flight" value={now ? count(now.inFlight) : "…"} sub="calls" />}
      {live && (
        <Stat
          label="Queued"
          value={now ? count(now.queued) : "…"}
          sub="due, and wait"
          {...(now && now.queued > 1000 ? { tone: "warn" as const } : {})}
        />
      )}
      <Stat
        label="Failures"
        value={failures === undefined ? "…" : count(failures)}
        sub="in the last hour"
        {...(failures === undefined ? {} : { tone: failures ? ("bad" as const) : ("good" as const) })}
      />
      <Stat
        label="Success rate"
        value={e ? (sent ? e.successRate.replace("%", " %") : "–") : "…"}
        sub={e ? `${compact(sent)} sent in all` : "… sent in all"}
      />
      <Stat
        label="Executions"
        value={e ? compact(e.recentHour) : "…"}
        sub={`in the last hour, ${e ? duration(e.averageDurationMs) : "…"} on average`}
      />
      <Stat
        label="Jobs"
        value={m ? <a href={href("/jobs")}>{compact(m.jobs.total)}</a> : "…"}
        sub={m ? `${compact(m.jobs.active)} active` : "… active"}
      />
    </dl>
  );
}

function LiveCharts({ moments }: { moments: Moment[] }) {
  const at = useMemo(() => moments.map((m) => m.at), [moments]);
  const fires = useMemo(
    (): Line[] => [
      { label: "Fires a second", color: "--info", values: moments.map((m) => m.firesPerSecond) },
      { label: "Failures a second", color: "--bad", values: moments.map((m) => m.failedPerSecond) },
    ],
    [moments],
  );
  const drift = useMemo(
    (): Line[] => [
      { label: "Drift p50", color: "--info", values: moments.map((m) => m.driftMs?.p50 ?? null) },
      { label: "p99", color: "--accent", values: moments.map((m) => m.driftMs?.p99 ?? null) },
    ],
    [moments],
  );
  return (
    <div class="columns">
      <Panel title="Fires, live">
        <Chart title="Fires a second" at={at} lines={fires} unit={rate} height={160} />
      </Panel>
      <Panel title="Drift, live">
        <Chart title="Drift" at={at} lines={drift} unit={duration} height={160} />
      </Panel>
    </div>
  );
}

/** The jobs with the most failures in a row. */
function FailingJobs() {
  const asked = useApi("GET /observability/alerts", { query: { open: true, limit: 500 } }, { every: 5000, keep: true });
  const alerts = asked.data?.alerts;
  const worst = useMemo(() => [...(alerts ?? [])].sort((a, b) => b.count - a.count).slice(0, 8), [alerts]);
  const more = asked.data?.nextCursor !== undefined;
  return (
    <Panel
      title="What fails most, by job"
      actions={alerts && alerts.length > 0 && <a href={href("/jobs", { state: "failing" })}>All failing jobs</a>}
    >
      <ErrorNote error={asked.error} />
      {!alerts && !asked.error && <Skeleton height={180} />}
      {alerts?.length === 0 && <p class="muted">No job fails.</p>}
      {worst.length > 0 && (
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">Job</th>
              <th scope="col" class="num">
                In a row
              </th>
              <th scope="col">Last failure</th>
            </tr>
          </thead>
          <tbody>
            {worst.map((a) => (
              <FailingJob key={a.jobId} alert={a} />
            ))}
          </tbody>
        </table>
      )}
      {more && <p class="muted">Of the 500 jobs that have failed most lately.</p>}
    </Panel>
  );
}

function FailingJob({ alert: a }: { alert: Alert }) {
  const name = useJobName(a.jobId);
  return (
    <tr>
      <td>
        <a class="strong" href={href(`/jobs/${a.jobId}`)}>
          {name ?? <code>{a.jobId}</code>}
        </a>
        <small class="muted clip" title={a.error ?? undefined}>
          {a.kind === "LOST" ? "Fires have no record. " : ""}
          {a.error}
        </small>
      </td>
      <td class="num">{count(a.count)}</td>
      <td>
        <Time at={a.lastAt} />
      </td>
    </tr>
  );
}

const hostStates: Partial<Record<Host["state"], string>> = {
  hanging: "Hangs",
  silent: "Silent",
  refusing: "Refuses",
  connecting: "Connecting",
};

/** The hosts that do not answer, or whose calls have failed in the last hour. */
function FailingHosts() {
  const asked = useApi("GET /hosts", { query: { limit: 100 } }, { every: 5000, keep: true });
  const hosts = asked.data?.hosts;
  const more = asked.data && asked.data.total > asked.data.hosts.length;
  const bad = useMemo(() => {
    const lately = serverNow() - 3_600_000;
    const at = (h: Host): number => h.lastError?.at ?? 0;
    return (hosts ?? [])
      .filter((h) => hostStates[h.state] || at(h) > lately)
      .sort((a, b) => Number(!!hostStates[b.state]) - Number(!!hostStates[a.state]) || at(b) - at(a))
      .slice(0, 8);
  }, [hosts]);
  return (
    <Panel title="What fails, by host">
      <ErrorNote error={asked.error} />
      {!hosts && !asked.error && <Skeleton height={180} />}
      {hosts && bad.length === 0 && (
        <p class="muted">
          No call has failed in the last hour{more && ` at the ${count(hosts.length)} busiest hosts`}.
        </p>
      )}
      {bad.length > 0 && (
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">Host</th>
              <th scope="col">State</th>
              <th scope="col">Last failure</th>
            </tr>
          </thead>
          <tbody>
            {bad.map((h) => (
              <tr key={h.host}>
                <td>
                  <a class="strong" href={href("/jobs", { host: h.host })}>
                    {h.host.replace(/^https?:\/\//, "")}
                  </a>
                  <small class="muted clip" title={h.lastError?.error}>
                    {h.lastError?.error}
                  </small>
                </td>
                <td>
                  <span class={`badge ${hostStates[h.state] ? "s-failed" : ""}`}>{hostStates[h.state] ?? h.state}</span>
                </td>
                <td>
                  <Time at={h.lastError?.at} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {more && bad.length > 0 && <p class="muted">Of the {count(asked.data?.hosts.length ?? 0)} busiest hosts.</p>}
    </Panel>
  );
}

/** Which program on which store answers. */
function About({ health: h, confined }: { health: Health | undefined; confined: boolean }) {
  const cluster = useApi("GET /cluster", {}, { every: 10_000, keep: true, off: confined });
  const c = cluster.data;
  const started = useRef(0);
  const now = h ? serverNow() - h.uptimeSeconds * 1000 : 0;
  if (Math.abs(now - started.current) > 2000) started.current = now; // an answer takes a while, and another one longer
  if (!h) return <Skeleton height={24} />;
  const store = c && { sqlite: "SQLite files", postgresql: "PostgreSQL" }[c.database.kind];
  return (
    <p class="muted">
      Belfry {h.version}
      {store && ` on ${store}`}
      {c && c.nodes.length > 1 && `, ${plural(c.nodes.filter((n) => n.state === "active").length, "server")}`}, time
      zones {h.zones}, started <Time at={started.current} line />
    </p>
  );
}
