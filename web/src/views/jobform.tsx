// Making a job, and editing one: a form with every field that a job has, and what its schedule means beside it.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { ApiError, answerOf, call, send } from "../api.ts";
import {
  type Draft,
  changeDocument,
  changedFields,
  draftOf,
  emptyDraft,
  fields,
  groups,
  isSet,
  newDocument,
  testDocument,
  type Refusal,
} from "../jobform.ts";
import { Once } from "../once.ts";
import { useLeaveWarning } from "../leaving.ts";
import { href, navigate, usePlace } from "../router.ts";
import type { Job, Saved, TestCall } from "../types.gen.ts";
import { ErrorNote, Head, Panel, Skeleton } from "../ui/basics.tsx";
import { say } from "../ui/dialog.tsx";
import { EditFires } from "./editfires.tsx";
import { type Fault, FieldRow } from "./jobfield.tsx";
import { SchedulePreview } from "./schedulepreview.tsx";
import { TestCallButton } from "./testcall.tsx";

/** A new job: an empty one, a copy of another one (?from=ID), or with fields from the address (?api=…&schedule=…). */
export function NewJob() {
  const { query } = usePlace();
  const from = query.get("from");
  const [draft, setDraft] = useState<Draft>();
  const [error, setError] = useState<Error>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the address fills the form once
  useEffect(() => {
    const d = emptyDraft();
    for (const f of fields) if (query.has(f.path)) d[f.path] = query.get(f.path) ?? "";
    if (!from) return setDraft(d);
    call("GET /jobs/{id}", { path: { id: from } })
      .then((job) =>
        setDraft({ ...draftOf({ spec: job.spec, isActive: true }), key: "", name: copyName(job.spec.name) }),
      )
      .catch(setError);
  }, [from]);
  return (
    <>
      <Head title={from ? "Duplicate a job" : "New job"} />
      <ErrorNote error={error} />
      {!draft && !error && <Skeleton height={600} />}
      {draft && <Form start={draft} />}
    </>
  );
}

const copyName = (name: string | undefined): string => (name ? `${name} (copy)` : "");

interface Loaded {
  job: Job;
  tag: string;
}

async function load(id: string): Promise<Loaded> {
  const res = await send("GET /jobs/{id}", { path: { id } });
  return { job: (await answerOf(res)) as Job, tag: res.headers.get("ETag") ?? "" };
}

export function EditJob({ params }: { params: Record<string, string> }) {
  const id = params.id ?? "";
  const [loaded, setLoaded] = useState<Loaded>();
  const [error, setError] = useState<Error>();
  useEffect(() => {
    load(id).then(setLoaded).catch(setError);
  }, [id]);
  const start = useMemo(() => loaded && draftOf(loaded.job), [loaded]);
  return (
    <>
      <Head title={loaded ? `Edit ${loaded.job.spec.name || loaded.job.spec.api}` : "Edit a job"} />
      <ErrorNote error={error} />
      {!loaded && !error && <Skeleton height={600} />}
      {loaded && start && (
        <Form start={start} loaded={loaded} key={loaded.tag} reload={() => load(id).then(setLoaded)} />
      )}
    </>
  );
}

function Form({ start, loaded, reload }: { start: Draft; loaded?: Loaded; reload?: () => Promise<void> }) {
  const [draft, setDraft] = useState<Draft>(start);
  const [fault, setFault] = useState<Fault>();
  const [wrong, setWrong] = useState<Fault>(); // of the preview
  const [saving, setSaving] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const once = useRef(new Once());
  const set = (path: string, value: string): void => {
    setDraft((d) => ({ ...d, [path]: value }));
    setFault((f) => f?.without(path));
  };
  const changed = changedFields(draft, start);
  useLeaveWarning(changed.length > 0, saving);

  const refused = (err: unknown): void => {
    setFault(new FormFault(err as Error | Refusal));
    requestAnimationFrame(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
  };
  const save = async (tag = loaded?.tag): Promise<void> => {
    setSaving(true);
    setFault(undefined);
    try {
      done(await store(draft, start, loaded?.job.id, tag, once.current));
    } catch (err) {
      setSaving(false);
      refused(err);
    }
  };
  const stale =
    fault?.error instanceof ApiError && (fault.error.status === 412 || fault.error.problem?.code === "stale");
  return (
    <form
      ref={form}
      class="jobform"
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        void save();
      }}
    >
      <div class="fields">
        {groups.map((g, i) => (
          <Fields key={g.title} group={i} draft={draft} fault={fault ?? wrong} editing={!!loaded} set={set} />
        ))}
      </div>
      <aside class="beside">
        <SchedulePreview
          draft={draft}
          jobId={loaded?.job.id}
          onFault={setWrong}
          onPick={(schedule) => set("schedule", schedule)}
        />
        {loaded && <EditFires id={loaded.job.id} draft={draft} before={start} />}
        {fault && !stale && <Refused fault={fault} />}
        {stale && loaded && reload && <Conflict loaded={loaded} reload={reload} again={(tag) => void save(tag)} />}
        <div class="actions">
          <button type="submit" class="primary" disabled={saving || (!!loaded && changed.length === 0)}>
            {loaded ? "Save changes" : "Create job"}
          </button>
          <TestCallButton ask={() => testOf(draft, start, loaded?.job.id)} onRefused={refused} />
          <a class="button" href={href(loaded ? `/jobs/${loaded.job.id}` : "/jobs")}>
            Cancel
          </a>
          {loaded && <Changed n={changed.length} />}
        </div>
      </aside>
    </form>
  );
}

/** The fault of the whole form, by field. */
export class FormFault implements Fault {
  readonly error: Error;
  readonly #by: { field: string; message: string }[];
  readonly #seen: Set<string>;

  constructor(err: Error | Refusal, seen = new Set<string>(), by?: { field: string; message: string }[]) {
    this.#seen = seen;
    this.error = err instanceof Error ? err : new Error("Not all that is typed can be sent.");
    this.#by = by ?? (err instanceof ApiError ? (err.problem?.errors ?? []) : err instanceof Error ? [] : [err]);
  }

  of(path: string): string | undefined {
    if (this.#seen.has(path)) return undefined;
    const e = this.#by.find(({ field }) => covers(path, field));
    return e && (e.field === path ? e.message : `${e.field.slice(path.length + 1)}: ${e.message}`);
  }

  /** The same without a field that is being changed. */
  without(path: string): Fault {
    return new FormFault(this.error, new Set([...this.#seen, path]), this.#by);
  }
}

async function store(d: Draft, before: Draft, id: string | undefined, tag: string | undefined, once: Once) {
  if (id === undefined) {
    const text = newDocument(d);
    return await once.send(text, (headers) => call("POST /jobs", { body: text as never, headers }));
  }
  const headers: Record<string, string> = tag ? { "If-Match": tag } : {};
  return await call("PUT /jobs/{id}", { path: { id }, body: changeDocument(d, before) as never, headers });
}

/** Sends the request that the job of the form would send. Secrets that are masked are those of the job. */
async function testOf(d: Draft, before: Draft, id: string | undefined): Promise<TestCall> {
  if (id === undefined) return await call("POST /jobs/test", { body: testDocument(d) as never });
  return await call("POST /jobs/{id}/test", { path: { id }, body: changeDocument(d, before) as never });
}

function done(saved: Saved): void {
  const warnings = saved.warnings ?? [];
  say([saved.message, ...warnings].join(" · "));
  navigate(href(`/jobs/${saved.id}`));
}

/** Why the form was refused: which fields are wrong. What is wrong with them is said beside them. */
function Refused({ fault }: { fault: Fault }) {
  const wrong = fields.filter((f) => fault.of(f.path) !== undefined).map((f) => f.label);
  return (
    <ErrorNote error={fault.error} beside={(name) => fields.some((f) => covers(f.path, name))}>
      {wrong.length > 0 && <p>See beside: {wrong.join(", ")}.</p>}
    </ErrorNote>
  );
}

/** Whether what the API names is a field, or below it. */
const covers = (path: string, name: string): boolean =>
  name === path || name.startsWith(`${path}.`) || name.startsWith(`${path}[`);

function Changed({ n }: { n: number }) {
  return (
    <span class="muted">
      {n === 0 ? "Nothing is changed" : n === 1 ? "One field is changed" : `${n} fields are changed`}
    </span>
  );
}

function Fields(props: {
  group: number;
  draft: Draft;
  fault: Fault | undefined;
  editing: boolean;
  set: (path: string, value: string) => void;
}) {
  const g = groups[props.group];
  if (!g) return null;
  const rows = g.fields.map((f) => (
    <FieldRow
      key={f.path}
      field={f}
      draft={props.draft}
      fault={props.fault?.of(f.path)}
      readOnly={props.editing && !!f.fixed}
      set={props.set}
    />
  ));
  if (props.group === 0) return <Panel title={g.title}>{rows}</Panel>;
  const used = g.fields.filter((f) => isSet(f, props.draft));
  const faulty = g.fields.some((f) => props.fault?.of(f.path));
  return (
    <Section faulty={faulty} title={g.title} sub={used.length ? used.map((f) => f.label).join(", ") : "Defaults"}>
      {rows}
    </Section>
  );
}

/** A part of the form that is closed at first. A fault in it opens it; only people close it. */
function Section(props: { faulty: boolean; title: string; sub: string; children: ComponentChildren }) {
  const ref = useRef<HTMLDetailsElement>(null);
  const { faulty } = props;
  useLayoutEffect(() => {
    if (faulty && ref.current) ref.current.open = true;
  }, [faulty]);
  return (
    <details ref={ref} class="panel">
      <summary>
        <h2>{props.title}</h2> <small class="muted">{props.sub}</small>
      </summary>
      {props.children}
    </details>
  );
}

/** Somebody else has changed the job meanwhile: what they did, and what one can do. */
function Conflict(props: { loaded: Loaded; reload: () => Promise<void>; again: (tag: string) => void }) {
  const [theirs, setTheirs] = useState<Loaded>();
  const { id } = props.loaded.job;
  useEffect(() => {
    load(id)
      .then(setTheirs)
      .catch(() => undefined); // the outage is shown
  }, [id]);
  if (!theirs)
    return (
      <div class="note warn" role="alert">
        Somebody else has changed this job meanwhile.
      </div>
    );
  const before = draftOf(props.loaded.job);
  const now = draftOf(theirs.job);
  const list = changedFields(now, before);
  return (
    <div class="note warn" role="alert">
      <p>
        Somebody else has changed this job meanwhile: it is version {theirs.job.version} now, and you began with version{" "}
        {props.loaded.job.version}. Nothing was saved.
      </p>
      <ul>
        {list.map((f) => (
          <li key={f.path}>
            {f.label}: <code>{before[f.path] || "default"}</code> → <code>{now[f.path] || "default"}</code>
          </li>
        ))}
      </ul>
      <div class="actions">
        <button type="button" onClick={() => props.again(theirs.tag)}>
          Save my changes on top
        </button>
        <button type="button" onClick={() => void props.reload()}>
          Drop my changes and begin anew
        </button>
      </div>
    </div>
  );
}
