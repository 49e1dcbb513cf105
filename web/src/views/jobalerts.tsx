// The alerts of one job.
import { plural } from "../format.ts";
import { href } from "../router.ts";
import type { Job } from "../types.gen.ts";
import { Badge, ErrorNote, Panel, Time } from "../ui/basics.tsx";
import { useApi } from "../use.ts";

/** The latest alerts of a job; nothing where there are none. */
export function JobAlerts({ job: j }: { job: Job }) {
  const query = { jobId: j.id, limit: 5 };
  const asked = useApi("GET /observability/alerts", { query }, { every: 10_000, keep: true });
  const alerts = asked.data?.alerts;
  if (!alerts?.length) return <ErrorNote error={asked.error} />;
  const zone = j.spec.timezone;
  return (
    <Panel title="Alerts">
      <ErrorNote error={asked.error} />
      <ul class="lines">
        {alerts.map((a) => (
          <li key={`${a.kind} ${a.firstAt}`}>
            <Badge of={a.open ? ["s-failed", "alerts", "Open"] : ["s-success", "success", "Recovered"]} />{" "}
            {a.kind === "LOST" ? `${plural(a.count, "fire")} without a record` : plural(a.count, "failure")} since{" "}
            <Time at={a.firstAt} jobZone={zone} line />, <a href={href(`/executions/${a.executionId}`)}>the latest</a>{" "}
            <Time at={a.lastAt} jobZone={zone} line />
            {a.recoveredAt !== null && (
              <>
                , recovered <Time at={a.recoveredAt} jobZone={zone} line />
              </>
            )}
          </li>
        ))}
      </ul>
      {asked.data?.nextCursor !== undefined && <p class="muted">The latest five.</p>}
    </Panel>
  );
}
