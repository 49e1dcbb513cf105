// The overview: is all well, what goes on, and what fails.
import { compact, count, duration, plural } from "../format.ts";
import type { Health, Metrics } from "../types.gen.ts";
import { ErrorNote, Head, Panel, Skeleton, Stat, Time } from "../ui/basics.tsx";
import { useApi } from "../use.ts";

export function Overview() {
  const health = useApi("GET /observability/health", {}, { every: 3000, keep: true });
  const metrics = useApi("GET /observability/metrics", {}, { every: 2000, keep: true });
  return (
    <>
      <Head title="Overview" />
      <ErrorNote error={metrics.error} />
      <Figures metrics={metrics.data} />
      <HealthPanel health={health.data} error={health.error} />
    </>
  );
}

function Figures({ metrics: m }: { metrics: Metrics | undefined }) {
  if (!m) return <Skeleton height={104} />;
  const e = m.executions;
  return (
    <dl class="stats">
      <Stat label="Jobs" value={compact(m.jobs.total)} sub={`${compact(m.jobs.active)} active`} />
      <Stat label="Executions in the last hour" value={compact(e.recentHour)} sub={`${count(e.total)} in all`} />
      <Stat label="Success rate" value={e.successRate.replace("%", " %")} sub={plural(e.failed, "failure")} />
      <Stat label="Mean duration" value={duration(e.averageDurationMs)} />
      <Stat
        label="Failures in the last hour"
        value={compact(m.alerts.recentFailures)}
        tone={m.alerts.recentFailures ? "bad" : "good"}
      />
    </dl>
  );
}

function HealthPanel({ health: h, error }: { health: Health | undefined; error: Error | undefined }) {
  return (
    <Panel title="Health">
      <ErrorNote error={error} />
      {!h && !error && <Skeleton lines={4} />}
      {h && (
        <ul class="checks">
          {Object.entries(h.checks).map(([name, check]) => (
            <li key={name} class={check.ok ? "good" : "bad"}>
              <b>{name}</b> {check.detail ?? (check.ok ? "ok" : "not ok")}
            </li>
          ))}
        </ul>
      )}
      {h && (
        <p class="muted">
          Belfry {h.version}, started <Time at={Date.now() - h.uptimeSeconds * 1000} line />
        </p>
      )}
    </Panel>
  );
}
