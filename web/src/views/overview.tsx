// The overview: is all well, what goes on, and what fails.
import { useEffect, useMemo, useRef } from "preact/hooks";
import { serverNow } from "../api.ts";
import { compact, count, duration, plural, rate } from "../format.ts";
import { type Moment, useLive } from "../live.ts";
import { me } from "../me.ts";
import { href } from "../router.ts";
import { useStore } from "../store.ts";
import type { Failing, FailingEntry, Health, Host, Metrics } from "../types.gen.ts";
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
        <WhatFails by="job" />
        <FailingHosts confined={confined} />
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
        <p class="muted">
          How late first calls began. Fires that waited for their job's previous call (overlap policy QUEUE) count, too.
        </p>
        <Chart title="Drift" at={at} lines={drift} unit={duration} height={160} />
      </Panel>
    </div>
  );
}

/** How much of what fails is shown, by job and by host. */
const failingShown = 8;

/** What the last day's runs of failures add up to, by job or by host. */
function WhatFails({ by, state }: { by: Failing["by"]; state?: (host: string) => string | undefined }) {
  const query = { by, limit: failingShown };
  const asked = useApi("GET /observability/failing", { query }, { every: 5000, keep: true });
  const found = asked.data;
  const byJob = by === "job";
  return (
    <Panel
      title={byJob ? "What fails most, by job" : "What fails most, by host"}
      actions={
        found &&
        found.failing.length > 0 &&
        (byJob ? (
          <a href={href("/jobs", { state: "failing", sort: "-failures" })}>All failing jobs</a>
        ) : (
          <a href={href("/hosts")}>All hosts</a>
        ))
      }
    >
      <ErrorNote error={asked.error} />
      {!found && !asked.error && <Skeleton height={180} />}
      {found?.failing.length === 0 && (
        <p class="muted">{byJob ? "No job" : "No call"} has failed in the last 24 hours.</p>
      )}
      {found && found.failing.length > 0 && (
        <table class="plain" aria-label={byJob ? "Jobs that fail" : "Hosts that fail"}>
          <thead>
            <tr>
              <th scope="col">{byJob ? "Job" : "Host"}</th>
              <th scope="col" class="num">
                Failures
              </th>
              <th scope="col">Last failure</th>
            </tr>
          </thead>
          <tbody>
            {found.failing.map((f) => (
              <Fails key={f.jobId ?? f.host} of={f} state={byJob ? undefined : state?.(f.host)} />
            ))}
          </tbody>
        </table>
      )}
      {found?.complete === false && <p class="muted">Of the latest runs of failures: there are too many to add up.</p>}
    </Panel>
  );
}

function Fails({ of: f, state }: { of: FailingEntry; state: string | undefined }) {
  const to = f.jobId ? href(`/jobs/${f.jobId}`) : href("/jobs", { host: f.host, state: f.open ? "failing" : "" });
  const name = f.jobId ? f.name : f.host.replace(/^https?:\/\//, "") || "no host";
  return (
    <tr>
      <td>
        <a class="strong" href={to}>
          {name ?? <code>{f.jobId}</code>}
        </a>{" "}
        <span class={`badge ${state || f.open ? "s-failed" : "s-success"}`}>{state ?? nowOf(f)}</span>
        <small class="muted clip" title={f.error ?? undefined}>
          {f.error}
        </small>
      </td>
      <td class="num">
        <a
          class="plainlink"
          href={href("/failed", { last: "day", ...(f.jobId ? { jobId: f.jobId } : { host: f.host }) })}
        >
          {count(f.failures)}
        </a>
      </td>
      <td>
        <a class="plainlink" href={href(`/executions/${f.executionId}`)}>
          <Time at={f.lastAt} />
        </a>
      </td>
    </tr>
  );
}

function nowOf(f: FailingEntry): string {
  if (f.jobId) return f.open ? "Fails" : "Recovered";
  return f.open ? `${plural(f.open, "job")} ${f.open === 1 ? "fails" : "fail"}` : "Recovered";
}

const hostStates: Partial<Record<Host["state"], string>> = {
  hanging: "Hangs",
  silent: "Silent",
  refusing: "Refuses",
};

/** What fails most by host; with a key of all namespaces beside what the dispatcher knows of these hosts. */
function FailingHosts({ confined }: { confined: boolean }) {
  const asked = useApi("GET /hosts", { query: { limit: 100 } }, { every: 5000, keep: true, off: confined });
  const hosts = asked.data?.hosts;
  const states = useMemo(() => new Map((hosts ?? []).map((h) => [h.host, hostStates[h.state]])), [hosts]);
  return <WhatFails by="host" state={(host) => states.get(host)} />;
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
