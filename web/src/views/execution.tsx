// One execution: what became of it, each attempt on a line of time, and what was sent.
import { useEffect, useState } from "preact/hooks";
import { type Step, placeOf, stepsOf } from "../attempts.ts";
import { call, serverNow } from "../api.ts";
import { count, duration, plural } from "../format.ts";
import { useJob } from "../lazy.ts";
import { following } from "../neighbours.ts";
import { href } from "../router.ts";
import type { Execution, ExecutionWithAttempts } from "../types.gen.ts";
import { ErrorNote, Head, Panel, PartialNote, Skeleton, Stat, StatusBadge, Time } from "../ui/basics.tsx";
import { JobLink } from "../ui/job.tsx";
import { useApi } from "../use.ts";
import { Sent } from "./sent.tsx";

export function ExecutionView({ params }: { params: Record<string, string> }) {
  const id = params.id ?? "";
  const [ended, setEnded] = useState(false);
  const asked = useApi("GET /executions/{id}", { path: { id } }, { keep: true, ...(ended ? {} : { every: 1000 }) });
  const e = asked.data;
  useEffect(() => setEnded(!!e && e.completedAt !== null && e.id === id), [e, id]);
  if (!e) {
    return (
      <>
        <Head title="Execution" sub={<code>{id}</code>} />
        <ErrorNote error={asked.error} retry={asked.reload} />
        <PartialNote of="GET /executions/{id}" what="The execution may run there." />
        {!asked.error && <Skeleton height={400} />}
      </>
    );
  }
  return (
    <>
      <Head title="Execution" sub={<code>{e.id}</code>}>
        <Neighbours execution={e} />
      </Head>
      <ErrorNote error={asked.error} />
      <Facts execution={e} />
      {e.error && (
        <div class="note bad">
          <b>{e.status === "SKIPPED" || e.status === "MISSED" ? "Not sent:" : "What went wrong:"}</b> {e.error}
        </div>
      )}
      <Timeline execution={e} />
      <Sent execution={e} />
    </>
  );
}

function Facts({ execution: e }: { execution: ExecutionWithAttempts }) {
  const zone = useJob(e.jobId)?.spec.timezone;
  return (
    <>
      <p class="facts">
        <StatusBadge status={e.status} /> of <JobLink id={e.jobId} /> {e.manual ? "triggered by hand, " : "due "}
        <Time at={e.scheduledAt} jobZone={zone} line />
      </p>
      <dl class="stats">
        <Stat
          label={e.manual ? "Started after" : "Drift"}
          value={e.startedAt === null ? "–" : duration(e.startedAt - e.scheduledAt)}
          sub={e.startedAt === null ? "Nothing was sent" : "from due to the first attempt"}
        />
        <Stat
          label="Duration"
          value={e.duration === null ? "–" : duration(e.duration)}
          sub={e.retryCount ? "retries and waits included" : " "}
        />
        <Stat
          label="HTTP status"
          value={e.httpStatus ?? "–"}
          sub={e.httpStatus ? "of the last attempt" : "no response"}
        />
        <Stat label="Attempts" value={count(e.attempts.length)} sub={plural(e.retryCount, "retry", "retries")} />
        {e.missed && <Stat label="Fires" value={count(e.missed.count)} sub="that this record covers" />}
      </dl>
      {e.missed && (
        <p class="muted">
          From <Time at={e.missed.from} jobZone={zone} line /> to <Time at={e.scheduledAt} jobZone={zone} line />.
        </p>
      )}
    </>
  );
}

function Timeline({ execution: e }: { execution: ExecutionWithAttempts }) {
  const zone = useJob(e.jobId)?.spec.timezone;
  const steps = stepsOf(e, serverNow());
  if (steps.length === 0) return null;
  return (
    <Panel title="Attempts">
      <ol class="steps">
        {steps.map((s) => (
          <li key={`${s.kind}${s.from}`} class={s.kind}>
            <Words step={s} zone={zone} />
            <Bar step={s} steps={steps} />
          </li>
        ))}
      </ol>
    </Panel>
  );
}

function Words({ step: s, zone }: { step: Step; zone: string | undefined }) {
  const took = duration(Math.max(0, s.to - s.from));
  if (s.kind === "late") {
    return (
      <p>
        <b>Waited</b>{" "}
        <span class="muted">
          {took} after it was due{s.open ? ", and still waits" : ""}
        </span>
      </p>
    );
  }
  if (s.kind === "wait") {
    return (
      <p>
        <b>Waits</b>{" "}
        <span class="muted">
          {took} for the next attempt{s.open ? ":" : ""} {s.open && <Time at={s.to} jobZone={zone} line />}
        </span>
      </p>
    );
  }
  const good = s.httpStatus !== null && s.httpStatus !== undefined && s.httpStatus >= 200 && s.httpStatus < 300;
  return (
    <>
      <p>
        <b>Attempt {s.number}</b> <span class="muted">sent </span>
        <Time at={s.from} jobZone={zone} line />{" "}
        <span class="muted">{s.open ? `has run for ${took}` : `took ${took}`}</span>{" "}
        {s.httpStatus ? <span class={`badge ${good ? "s-success" : "s-failed"}`}>HTTP {s.httpStatus}</span> : null}
      </p>
      {s.error && <p class="bad-text">{s.error}</p>}
    </>
  );
}

function Bar({ step, steps }: { step: Step; steps: Step[] }) {
  const { left, width } = placeOf(step, steps);
  const ok = step.kind === "attempt" && !step.error && !step.open;
  return (
    <div class="track" aria-hidden="true">
      <i
        class={step.kind === "attempt" ? (step.open ? "open" : ok ? "good" : "bad") : "idle"}
        style={{ left: `${left}%`, width: `${width}%` }}
      />
    </div>
  );
}

/** The execution of a job after another one. */
const nextOf = (e: Execution, signal: AbortSignal): Promise<Execution | undefined> =>
  following(e.scheduledAt, serverNow() + 1000, async (query) => {
    const page = await call("GET /jobs/{id}/executions", { path: { id: e.jobId }, query, signal });
    return { items: page.executions, more: page.nextCursor !== undefined };
  });

function Neighbours({ execution: e }: { execution: ExecutionWithAttempts }) {
  const [found, setFound] = useState<{ id: string; before?: Execution; after?: Execution }>({ id: "" });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the neighbours are those of the id
  useEffect(() => {
    const control = new AbortController();
    const { signal } = control;
    const ask = async (): Promise<void> => {
      const query = { to: e.scheduledAt, limit: 1 };
      const page = await call("GET /jobs/{id}/executions", { path: { id: e.jobId }, query, signal });
      const after = await nextOf(e, signal);
      const before = page.executions[0];
      setFound({ id: e.id, ...(before ? { before } : {}), ...(after ? { after } : {}) });
    };
    ask().catch(() => undefined); // the job is gone, or the view says what is wrong
    return () => control.abort();
  }, [e.id, e.completedAt]);
  const { before, after } = found.id === e.id ? found : {};
  return (
    <>
      <Neighbour execution={before} text="← Previous" />
      <Neighbour execution={after} text="Next →" />
    </>
  );
}

function Neighbour({ execution, text }: { execution: Execution | undefined; text: string }) {
  if (!execution) {
    return (
      <span class="button off" aria-disabled="true">
        {text}
      </span>
    );
  }
  return (
    <a class="button" href={href(`/executions/${execution.id}`)} title={execution.status}>
      {text}
    </a>
  );
}
