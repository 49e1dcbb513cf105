// Small parts that all views are made of.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError, partial, type Route } from "../api.ts";
import { now, zone } from "../settings.ts";
import { useStore } from "../store.ts";
import { say } from "./dialog.tsx";
import { absolute, dueAt, exact, relative, zoneOf } from "../time.ts";
import type { Execution } from "../types.gen.ts";

/** An instant: how far away it is, and when exactly, in the chosen zone. jobZone is the zone of its job. */
export function Time(props: {
  at: number | null | undefined;
  jobZone?: string | undefined;
  none?: string;
  line?: boolean;
  /** It is to come: what has just passed is now, until the server names the next one. */
  due?: boolean;
}) {
  const current = useStore(now);
  const choice = useStore(zone);
  const { at } = props;
  if (at === null || at === undefined) return <span class="muted">{props.none ?? "–"}</span>;
  const in_ = zoneOf(choice, props.jobZone);
  return (
    <time class={props.line ? "time line" : "time"} dateTime={new Date(at).toISOString()} title={exact(at, in_)}>
      <span>{relative(props.due ? dueAt(at, current) : at, current)}</span> <small>{absolute(at, in_, current)}</small>
    </time>
  );
}

export type Status = Execution["status"];

export const statusWords: Record<Status, string> = {
  SUCCESS: "Success",
  FAILED: "Failed",
  RUNNING: "Running",
  PENDING: "Pending",
  SKIPPED: "Skipped",
  MISSED: "Missed",
  UNKNOWN: "Unknown",
};

export const statuses = Object.keys(statusWords) as Status[];

/** A style of the sheet, an icon, and what the badge says. */
export type BadgeOf = readonly [style: string, icon: string, text: string];

/** A state in a word, with an icon: a colour is never the only sign. */
export function Badge({ of: [style, icon, text], title }: { of: BadgeOf; title?: string | undefined }) {
  return (
    <span class={`badge ${style}`} title={title}>
      <Icon name={icon} /> {text}
    </span>
  );
}

export function StatusBadge({ status, title }: { status: Status; title?: string | undefined }) {
  const name = status.toLowerCase();
  return <Badge of={[`s-${name}`, name, statusWords[status]]} title={title} />;
}

const paths: Record<string, string> = {
  overview: "M3 3h7v8H3zM14 3h7v5h-7zM14 12h7v9h-7zM3 15h7v6H3z",
  jobs: "M4 6h16M4 12h16M4 18h10",
  running: "M6 4l14 8-14 8z",
  failed: "M6 6l12 12M18 6L6 18",
  success: "M4 12l6 6L20 6",
  pending: "M12 6v6l4 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  skipped: "M5 5l7 7-7 7M13 5l7 7-7 7",
  missed: "M4 12h4M10 12h4M16 12h4",
  unknown: "M9 9a3 3 0 1 1 4 3c-1 .5-1 1-1 2M12 18v.5",
  alerts: "M12 3l10 18H2zM12 10v5M12 18v.5",
  forecast: "M3 20h18M5 16l5-6 4 3 6-8",
  proof: "M12 3l8 3v6c0 5-3.5 8-8 9-4.5-1-8-4-8-9V6zM9 12l2 2 4-4",
  changes: "M12 7v5l3 2M4 12a8 8 0 1 0 2.5-5.8M4 4v4h4",
  keys: "M14 10a4 4 0 1 0-3.5 4L13 16.5h2v2h2v2h3v-3l-6.2-5.5M8.5 9v.5",
  settings:
    "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2 2M16.4 16.4l2 2M5.6 18.4l2-2M16.4 7.6l2-2",
  hosts: "M3 5h18v6H3zM3 13h18v6H3zM7 8v.5M7 16v.5",
  cluster: "M12 4v5M12 15v5M6 12h3M15 12h3M9 9h6v6H9z",
  operations: "M4 6l2 2 3-4M4 16l2 2 3-4M13 6h7M13 16h7",
  search: "M11 5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM15.5 15.5L20 20",
  menu: "M4 7h16M4 12h16M4 17h16",
  system: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  light: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M5 19l2-2M17 7l2-2",
  dark: "M20 14A8 8 0 1 1 10 4a6.5 6.5 0 0 0 10 10z",
  pause: "M8 5v14M16 5v14",
  silence: "M9 5a6 6 0 0 1 9 5v4M6 9v6l-2 2h13M10 20h4M4 4l16 16",
  resume: "M7 5l12 7-12 7z",
  test: "M4 12h12M12 7l5 5-5 5M20 5v14",
  trigger: "M13 3L5 14h6l-1 7 8-11h-6z",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  delete: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  plus: "M12 5v14M5 12h14",
  clock: "M12 6v6l4 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
};

/** A mark beside a text, which says the same: it is hidden from those who hear the page. */
export function Icon({ name }: { name: string }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name] ?? ""} />
    </svg>
  );
}

/** Says that the last answer of a route lacks what another server knows alone. */
export function PartialNote({ of, what }: { of: Route; what: string }) {
  if (!useStore(partial).has(of)) return null;
  return (
    <p class="note warn" role="status">
      <b>Partial:</b> a server does not answer the one that was asked. {what}
    </p>
  );
}

/** A row of what this server cannot read: it does nothing, and can be deleted, or replaced by the API. */
export function UnreadableRow(props: { id: string; why: string; columns: number; onDelete: (() => void) | undefined }) {
  return (
    <tr>
      <th scope="row">
        <code>{props.id}</code>
      </th>
      <td colSpan={props.columns} class="wide">
        <Badge of={["s-failed", "failed", "Cannot be read"]} />
        <small class="second">{props.why}</small>
      </td>
      <td>
        {props.onDelete && (
          <button type="button" class="danger" aria-label={`Delete ${props.id}`} onClick={props.onDelete}>
            Delete
          </button>
        )}
      </td>
    </tr>
  );
}

/** What went wrong, in the API's own words. What is said beside a field is not said again. */
export function ErrorNote(props: {
  error: Error | undefined;
  retry?: () => void;
  /** Whether it is said beside the field of this name. */
  beside?: (field: string) => boolean;
  children?: ComponentChildren;
}) {
  const { error, retry, beside } = props;
  if (!error) return null;
  const problem = error instanceof ApiError ? error.problem : undefined;
  const errors = problem?.errors ?? [];
  const here = errors.filter((e) => !beside?.(e.field));
  return (
    <div class="note bad" role="alert">
      <p>{errors.length ? problem?.title : error.message}</p>
      {props.children}
      {here.length > 0 && (
        <ul>
          {here.map((e) => (
            <li key={e.field}>
              <code>{e.field}</code> {e.message}
            </li>
          ))}
        </ul>
      )}
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** What is wrong with one field of a form, beside it. */
export function FieldError({ error, field, id }: { error: Error | undefined; field: string; id: string }) {
  const wrong = error instanceof ApiError ? error.field(field) : undefined;
  return (
    <p class="field-error" id={id} aria-live="polite">
      {wrong && (wrong.field === field ? wrong.message : `${wrong.field} ${wrong.message}`)}
    </p>
  );
}

/** The place of something that is still loading, of its size. */
export function Skeleton({ lines = 3, height }: { lines?: number; height?: number }) {
  return (
    <div
      class={height ? "skeleton block" : "skeleton"}
      aria-hidden="true"
      style={height ? { height: `${height}px` } : undefined}
    >
      {height ? null : Array.from({ length: lines }, (_, i) => <i key={i} />)}
    </div>
  );
}

/** A part of a view with a heading. */
export function Panel(props: { title: string; id?: string; actions?: ComponentChildren; children: ComponentChildren }) {
  const id = props.id ?? props.title.toLowerCase().replace(/\W+/g, "-");
  return (
    <section class="panel" aria-labelledby={`h-${id}`}>
      <header>
        <h2 id={`h-${id}`}>{props.title}</h2>
        {props.actions}
      </header>
      {props.children}
    </section>
  );
}

/** The head of a view. Its heading takes the focus when one comes to the view. */
export function Head(props: { title: string; children?: ComponentChildren; sub?: ComponentChildren }) {
  return (
    <header class="head">
      <div>
        <h1 tabIndex={-1}>{props.title}</h1>
        {props.sub && <p class="muted">{props.sub}</p>}
      </div>
      {props.children && <div class="actions">{props.children}</div>}
    </header>
  );
}

/** A figure with its name. */
export function Stat(props: {
  label: string;
  value: ComponentChildren;
  sub?: ComponentChildren;
  tone?: "good" | "bad" | "warn";
}) {
  return (
    <div class={`stat ${props.tone ?? ""}`}>
      <dt>{props.label}</dt>
      <dd>
        <b>{props.value}</b>
        <small>{props.sub ?? " "}</small>
      </dd>
    </div>
  );
}

/** Copies a text. Over plain HTTP from another host a browser has no clipboard for pages: there a selection is copied. */
async function copyText(text: string, near: Element): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.readOnly = true;
  area.className = "hidden";
  near.append(area); // within the dialog, outside of which nothing can be selected
  area.focus({ preventScroll: true });
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("refused");
}

/** A button that copies a text. */
export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const [done, set] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => set(false), 2000);
    return () => clearTimeout(timer);
  }, [done]);
  const copy = (button: HTMLElement): void => {
    copyText(text, button.parentElement ?? document.body)
      .then(
        () => set(true),
        () => say("The browser does not let this page copy it. Select the text, and copy it by hand.", true),
      )
      .finally(() => button.focus());
  };
  return (
    <button type="button" class="quiet" onClick={(e) => copy(e.currentTarget)}>
      <Icon name={done ? "success" : "copy"} /> <span aria-live="polite">{done ? "Copied" : label}</span>
    </button>
  );
}

/** One of a few, as buttons in a row. */
export function Choice<T extends string>(props: {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}) {
  return (
    <fieldset class="choice">
      <legend class="hidden">{props.label}</legend>
      {props.options.map(([value, text]) => (
        <label key={value} class={value === props.value ? "on" : ""}>
          <input
            type="radio"
            name={props.label}
            checked={value === props.value}
            onChange={() => props.onChange(value)}
          />
          {text}
        </label>
      ))}
    </fieldset>
  );
}
