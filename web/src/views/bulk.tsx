// Operations on many jobs: what is selected, how many jobs that are, how far it has come, and what failed.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call, isAbort } from "../api.ts";
import { count, plural } from "../format.ts";
import { Once } from "../once.ts";
import { href } from "../router.ts";
import { pauseOf } from "../pause.ts";
import type { BulkQuery, BulkRequest, BulkTags, DryRun, Operation, PauseRequest } from "../types.gen.ts";
import { ErrorNote, Icon, Skeleton } from "../ui/basics.tsx";
import { Dialog, say } from "../ui/dialog.tsx";
import { PauseFields, pauseFields } from "../ui/pause.tsx";

/** Jobs by their ids, or all that a query matches. */
export type Selection = { ids: string[] } | { query: BulkQuery; words: string };

type Action = BulkRequest["action"];

const actions: [Action, string, string][] = [
  ["PAUSE", "Pause", "pause"],
  ["RESUME", "Resume", "resume"],
  ["TRIGGER", "Trigger", "trigger"],
  ["TAG", "Tag", "edit"],
  ["DELETE", "Delete", "delete"],
];

const done: Record<Action, string> = {
  PAUSE: "paused",
  RESUME: "resumed",
  TRIGGER: "triggered",
  TAG: "tagged",
  DELETE: "deleted",
};

/** What the API takes for an action on a selection. An empty query has to be meant. */
export function requestOf(action: Action, s: Selection, tags?: BulkTags, pause: PauseRequest = {}): BulkRequest {
  const of =
    "ids" in s ? { ids: s.ids } : Object.keys(s.query).length === 0 ? { query: {}, all: true } : { query: s.query };
  const said = action === "PAUSE" && Object.keys(pause).length > 0;
  return { action, ...of, ...(action === "TAG" && tags ? { tags } : {}), ...(said ? { pause } : {}) };
}

/** Reads tags as people type them: "a, b c" are a and "b c". */
export const tagsOf = (text: string): string[] => [
  ...new Set(
    text
      .split("\n")
      .map((t) => t.trim())
      .filter(Boolean),
  ),
];

export function Bulk(props: {
  selection: Selection;
  /** How many jobs are selected, as far as it is known. */
  known: number | undefined;
  offerAll?: ComponentChildren;
  onClear: () => void;
  onDone: () => void;
}) {
  const [action, setAction] = useState<Action>();
  const { selection: s, known } = props;
  if ("ids" in s && s.ids.length === 0) return null;
  return (
    <section class="bulk" aria-label="Selected jobs">
      <b aria-live="polite">
        {"ids" in s ? `${count(s.ids.length)} selected` : `All ${known === undefined ? "" : count(known)} that match`}
      </b>
      {props.offerAll}
      {actions.map(([a, text, icon]) => (
        <button key={a} type="button" class={a === "DELETE" ? "danger" : ""} onClick={() => setAction(a)}>
          <Icon name={icon} /> {text}
        </button>
      ))}
      <button type="button" class="quiet" onClick={props.onClear}>
        Clear selection
      </button>
      {action && (
        <Ask
          action={action}
          selection={s}
          onClose={(changed) => {
            setAction(undefined);
            if (changed) {
              props.onClear();
              props.onDone();
            }
          }}
        />
      )}
    </section>
  );
}

/** Says how many jobs an action is about, and begins it. */
function Ask(props: { action: Action; selection: Selection; onClose: (changed: boolean) => void }) {
  const { action, selection } = props;
  const [preview, setPreview] = useState<DryRun>();
  const [error, setError] = useState<Error>();
  const [operation, setOperation] = useState<Operation>();
  const [add, setAdd] = useState("");
  const [remove, setRemove] = useState("");
  const [busy, setBusy] = useState(false);
  const once = useRef(new Once());
  const title = actions.find(([a]) => a === action)?.[1] ?? "";
  const key = JSON.stringify(selection);

  // biome-ignore lint/correctness/useExhaustiveDependencies: key stands for the selection
  useEffect(() => {
    const control = new AbortController();
    const ask = async (): Promise<void> => {
      let sum: DryRun | undefined;
      do {
        // tags are no matter of the count, but a request without any is refused
        const body = { ...requestOf(action, selection, { add: ["x"] }), dryRun: true };
        const page = (await call("POST /jobs/bulk", {
          body: sum?.nextCursor ? { ...body, cursor: sum.nextCursor } : body,
          signal: control.signal,
        })) as DryRun;
        sum = sum ? { ...page, count: sum.count + page.count, jobs: sum.jobs } : page;
        setPreview(sum);
      } while (sum.nextCursor);
    };
    ask().catch((err: unknown) => !isAbort(err) && setError(err as Error));
    return () => control.abort();
  }, [action, key]);

  const begin = async (data: FormData): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      const body = requestOf(action, selection, { add: tagsOf(add), remove: tagsOf(remove) }, pauseOf(data));
      const begun = once.current.send(JSON.stringify(body), (headers) => call("POST /jobs/bulk", { body, headers }));
      setOperation((await begun) as Operation);
    } catch (err) {
      setError(err as Error);
    }
    setBusy(false);
  };

  return (
    <Dialog title={`${title} jobs`} onClose={() => props.onClose(operation !== undefined)}>
      {operation ? (
        <Progress operation={operation} onChange={setOperation} onClose={() => props.onClose(true)} />
      ) : (
        <form
          class="ask"
          onSubmit={(e) => {
            e.preventDefault();
            void begin(new FormData(e.currentTarget));
          }}
        >
          <Preview action={action} preview={preview} selection={selection} />
          {action === "TAG" && (
            <div class="columns">
              <label>
                Tags to add, one on a line
                <textarea rows={3} value={add} onInput={(e) => setAdd(e.currentTarget.value)} />
              </label>
              <label>
                Tags to remove, one on a line
                <textarea rows={3} value={remove} onInput={(e) => setRemove(e.currentTarget.value)} />
              </label>
            </div>
          )}
          {action === "PAUSE" && <PauseFields error={error} prefix="pause." />}
          <ErrorNote error={error} beside={(field) => pauseFields.has(field)} />
          <div class="actions end">
            <button type="button" onClick={() => props.onClose(false)}>
              Cancel
            </button>
            <button
              type="submit"
              class={action === "DELETE" ? "danger" : "primary"}
              disabled={busy || !preview || !!preview.nextCursor || preview.count === 0}
            >
              {title} {preview ? plural(preview.count, "job") : ""}
            </button>
          </div>
        </form>
      )}
    </Dialog>
  );
}

function Preview(props: { action: Action; preview: DryRun | undefined; selection: Selection }) {
  const { preview: p, selection: s } = props;
  if (!p) return <Skeleton lines={4} />;
  return (
    <>
      <p aria-live="polite">
        <b>{p.nextCursor ? `${count(p.count)} jobs so far …` : plural(p.count, "job")}</b>
        {"query" in s && (s.words ? ` that match: ${s.words}` : ": every job there is")}
        {props.action === "DELETE" && ". What they have done stays on record."}
        {p.notFound > 0 && ` ${plural(p.notFound, "job")} of the selection no longer exist.`}
      </p>
      <ul class="sample scroll" tabIndex={0} aria-label="Jobs">
        {p.jobs.map((j) => (
          <li key={j.id}>
            {j.name || <code>{j.id}</code>} {!j.isActive && <span class="muted">paused</span>}
          </li>
        ))}
        {p.count > p.jobs.length && <li class="muted">and {count(p.count - p.jobs.length)} more</li>}
      </ul>
    </>
  );
}

/** Follows an operation until it has ended. */
function Progress(props: { operation: Operation; onChange: (o: Operation) => void; onClose: () => void }) {
  const { operation: o, onChange } = props;
  const { id, endedAt } = o;
  useEffect(() => {
    if (endedAt !== null) return;
    const control = new AbortController();
    const timer = setInterval(() => {
      call("GET /operations/{id}", { path: { id }, signal: control.signal })
        .then(onChange)
        .catch(() => undefined); // the next one may succeed
    }, 500);
    return () => {
      clearInterval(timer);
      control.abort();
    };
  }, [id, endedAt, onChange]);

  const c = o.counts;
  const dealt = c.matched - c.pending;
  const cancel = (): void => {
    call("POST /operations/{id}/cancel", { path: { id } })
      .then(onChange)
      .catch((err: unknown) => say((err as Error).message, true));
  };
  return (
    <div class="ask">
      <progress max={Math.max(c.matched, 1)} value={o.matchedAt === null ? undefined : dealt} aria-label="Progress" />
      <p aria-live="polite">
        {o.state === "MATCHING" && `Looking for the jobs: ${count(c.matched)} so far.`}
        {o.state === "RUNNING" && `${count(dealt)} of ${count(c.matched)}.`}
        {o.endedAt !== null &&
          (o.fault ?? `${o.state === "CANCELLED" ? "Cancelled. " : ""}${plural(c.done, "job")} ${done[o.action]}.`)}
      </p>
      <ul class="counts">
        {c.unchanged > 0 && <li>{plural(c.unchanged, "job")} needed no change</li>}
        {c.skipped > 0 && <li>{plural(c.skipped, "job")} no longer existed</li>}
        {c.failed > 0 && <li class="bad">{plural(c.failed, "job")} failed</li>}
      </ul>
      {o.errors && o.errors.length > 0 && (
        <ul class="sample scroll" tabIndex={0} aria-label="Jobs">
          {o.errors.map((e) => (
            <li key={e.jobId}>
              <a href={href(`/jobs/${e.jobId}`)}>
                <code>{e.jobId}</code>
              </a>{" "}
              {e.message}
            </li>
          ))}
          {c.failed > o.errors.length && <li class="muted">and {count(c.failed - o.errors.length)} more</li>}
        </ul>
      )}
      <div class="actions end">
        {o.endedAt === null && (
          <button type="button" disabled={o.cancelRequestedAt !== null} onClick={cancel}>
            {o.cancelRequestedAt === null ? "Stop here" : "Stopping …"}
          </button>
        )}
        <button type="button" class="primary" onClick={props.onClose}>
          {o.endedAt === null ? "Continue in the background" : "Close"}
        </button>
      </div>
    </div>
  );
}
