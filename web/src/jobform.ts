// The fields of a job in a form: what they are called, what they hold as a text, and the document that the texts make.
import { indented, isText, sentBody } from "./json.ts";
import { bodyOf, type Made } from "./words.ts";

type Kind = "text" | "ms" | "number" | "bool" | "choice" | "words" | "lines" | "instant" | "headers" | "body";

export interface Field {
  /** As the API names it: "retry.maxRetries". */
  path: string;
  label: string;
  kind: Kind;
  /** What holds when it is empty, as the API documents it. */
  default?: string;
  options?: readonly (readonly [value: string, text: string])[];
  hint?: string;
  placeholder?: string;
  /** It cannot be changed later. */
  fixed?: boolean;
  required?: boolean;
}

interface Group {
  title: string;
  fields: Field[];
}

const same = (values: string[]): [string, string][] => values.map((v) => [v, v]);

/** Every field that a job has. The first group is always open. */
export const groups: Group[] = [
  {
    title: "What, where and when",
    fields: [
      { path: "name", label: "Name", kind: "text", placeholder: "Sync invoices", hint: "For people. It may be empty." },
      { path: "api", label: "URL", kind: "text", placeholder: "https://example.com/hook", required: true },
      {
        path: "method",
        label: "Method",
        kind: "choice",
        default: "POST",
        options: same(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]),
      },
      {
        path: "schedule",
        label: "Schedule",
        kind: "text",
        placeholder: "0 */5 * * * *",
        required: true,
        hint: "second minute hour day month weekday; five fields begin with the minute. Or @hourly, @every 90s, @at 2027-01-01T09:00:00Z",
      },
      { path: "timezone", label: "Time zone", kind: "text", default: "UTC", placeholder: "UTC" },
      {
        path: "type",
        label: "Delivery",
        kind: "choice",
        default: "ATLEAST_ONCE",
        options: [
          ["ATLEAST_ONCE", "At least once: never lost; sent again after a crash"],
          ["ATMOST_ONCE", "At most once: never sent twice; a crash may hide the outcome"],
        ],
      },
      { path: "isActive", label: "Active", kind: "bool", default: "true", hint: "Otherwise it is paused." },
    ],
  },
  {
    title: "Request",
    fields: [
      {
        path: "headers",
        label: "Headers",
        kind: "headers",
        placeholder: "Authorization: Bearer …",
        hint: "One on a line. Values of Authorization, Cookie, *-Key, *-Token and *-Secret are kept sealed; ******** keeps the value that is there.",
      },
      {
        path: "secretHeaders",
        label: "Further secret headers",
        kind: "words",
        placeholder: "X-Signature, X-Pin",
        hint: "Names, with commas between them.",
      },
      { path: "body", label: "Body", kind: "body" },
      {
        path: "timeoutMs",
        label: "Timeout",
        kind: "ms",
        default: "30000",
        hint: "Of one attempt, connecting included.",
      },
      {
        path: "signing.secrets",
        label: "Signing secrets",
        kind: "lines",
        placeholder: "whsec_…",
        hint: "Standard Webhooks. One on a line; two while the target changes over.",
      },
      {
        path: "clientCertificate",
        label: "Client certificate",
        kind: "text",
        hint: "Its name in the settings of the server.",
      },
      {
        path: "prepare",
        label: "Open the connection before the fire is due",
        kind: "bool",
        default: "true",
        hint: "Half a second before.",
      },
      {
        path: "tlsSkipVerify",
        label: "Accept any TLS certificate",
        kind: "bool",
        default: "false",
        hint: "For tests only.",
      },
    ],
  },
  {
    title: "After a failure",
    fields: [
      { path: "retry.maxRetries", label: "Retries", kind: "number", default: "3" },
      { path: "retry.delayMs", label: "Delay before a retry", kind: "ms", default: "1000" },
      {
        path: "retry.backoff",
        label: "The delay grows",
        kind: "choice",
        default: "LINEAR",
        options: [
          ["FIXED", "Not: always the same"],
          ["LINEAR", "Linearly: 1, 2, 3 times"],
          ["EXPONENTIAL", "Exponentially: 1, 2, 4 times"],
        ],
      },
      { path: "retry.maxDelayMs", label: "Longest delay", kind: "ms", default: "3600000" },
    ],
  },
  {
    title: "Overlaps and misfires",
    fields: [
      {
        path: "overlap",
        label: "A fire comes due while the one before still runs",
        kind: "choice",
        default: "ALLOW",
        options: [
          ["ALLOW", "Send it beside the other"],
          ["SKIP", "Skip it, with a record"],
          ["QUEUE", "Send it afterwards"],
        ],
      },
      {
        path: "misfire.policy",
        label: "Fires that nobody could send in time",
        kind: "choice",
        default: "RUN_ALL",
        options: [
          ["RUN_ALL", "Send all, late"],
          ["RUN_LATEST", "Send the latest"],
          ["SKIP", "Send none, with a record"],
        ],
      },
      { path: "misfire.maxAgeMs", label: "Not older than", kind: "ms", default: "86400000" },
      { path: "misfire.maxRuns", label: "At most so many", kind: "number", default: "1000" },
    ],
  },
  {
    title: "More about the schedule",
    fields: [
      {
        path: "jitterMs",
        label: "Jitter",
        kind: "ms",
        default: "0",
        hint: "Each job of a schedule has its own fixed delay, up to this.",
      },
      { path: "startAt", label: "Not before", kind: "instant", placeholder: "2027-01-01T09:00:00+01:00" },
      { path: "endAt", label: "Not at or after", kind: "instant", placeholder: "2027-12-31T00:00:00Z" },
      {
        path: "pausedReason",
        label: "Why it is paused",
        kind: "text",
        placeholder: "The target is being moved",
        hint: "Of a job that is not active. Gone once it is.",
      },
      {
        path: "pausedUntil",
        label: "Paused until",
        kind: "instant",
        placeholder: "2027-01-01T09:00:00Z",
        hint: "When it is active again by itself; empty: once somebody resumes it.",
      },
      {
        path: "dst.gap",
        label: "A time that the clock skips",
        kind: "choice",
        default: "AFTER",
        options: [
          ["AFTER", "Fires right after the gap"],
          ["SKIP", "Does not fire"],
          ["BEFORE", "Fires right before the gap"],
        ],
      },
      {
        path: "dst.fold",
        label: "A time that comes twice",
        kind: "choice",
        default: "FIRST",
        options: [
          ["FIRST", "Fires the first time"],
          ["SECOND", "Fires the second time"],
          ["BOTH", "Fires both times"],
        ],
      },
    ],
  },
  {
    title: "Where it belongs",
    fields: [
      {
        path: "tags",
        label: "Tags",
        kind: "lines",
        placeholder: "billing",
        hint: "One on a line.",
      },
      {
        path: "key",
        label: "Key",
        kind: "text",
        placeholder: "invoices-nightly",
        hint: "No other job of the namespace has it.",
      },
      { path: "namespace", label: "Namespace", kind: "text", default: "default", fixed: true },
    ],
  },
];

export const fields: Field[] = groups.flatMap((g) => g.fields);

/**
 * The texts of a form, by path. bodyKind says how the text of body is meant; bodyCame is the JSON text that the job has.
 */
export type Draft = Record<string, string>;

export const bodyKinds = [
  ["none", "The identity of the fire"],
  ["json", "JSON"],
  ["text", "Text"],
] as const;

/** A form as it is when it is opened for a new job. */
export function emptyDraft(): Draft {
  const d: Draft = { bodyKind: "none" };
  for (const f of fields) d[f.path] = f.kind === "choice" || f.kind === "bool" ? (f.default ?? "") : "";
  return d;
}

function at(spec: object, path: string): unknown {
  let v: unknown = spec;
  for (const part of path.split(".")) v = (v as Record<string, unknown> | undefined)?.[part];
  return v;
}

/** The form of a job that is there. */
export function draftOf({ spec, ...beside }: Made): Draft {
  const d = emptyDraft();
  for (const f of fields) {
    const v = at(f.path in beside ? beside : spec, f.path);
    if (v !== undefined && v !== null && f.kind !== "body") d[f.path] = textOf(f, v);
  }
  const body = bodyOf(spec);
  if (body !== undefined) {
    d.bodyKind = isText(body) ? "text" : "json";
    d.body = isText(body) ? sentBody(body) : indented(body);
    d.bodyCame = body;
  }
  return d;
}

function textOf(f: Field, v: unknown): string {
  switch (f.kind) {
    case "headers":
      return Object.entries(v as Record<string, string>)
        .map(([name, value]) => `${name}: ${value}`)
        .join("\n");
    case "words":
      return (v as string[]).join(", ");
    case "lines":
      return (v as string[]).join("\n");
    case "instant":
      return v === 0 ? "" : new Date(v as number).toISOString();
    default:
      return String(v);
  }
}

/** The instant that a text of a form means, Unix milliseconds; undefined: none. */
export function instantOf(text: string): number | undefined {
  const t = text.trim();
  const at = /^[1-9]\d{0,15}$/.test(t)
    ? Number(t)
    : /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(t)
      ? Date.parse(t)
      : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

/** What the form itself refuses, before the API sees it: texts that make no document. */
export interface Refusal {
  field: string;
  message: string;
}

/** The JSON text of a field; undefined: the field is not part of the document. */
function jsonOf(f: Field, d: Draft): string | undefined {
  const text = d[f.path] ?? "";
  if (f.kind === "body") return bodyText(d);
  if (text === "") return undefined;
  switch (f.kind) {
    case "bool":
      return text;
    case "ms":
    case "number":
    case "instant":
      return /^-?(0|[1-9]\d{0,15})$/.test(text.trim()) ? text.trim() : JSON.stringify(text.trim());
    case "words":
      return JSON.stringify(parts(text, ","));
    case "lines":
      return JSON.stringify(parts(text, "\n"));
    case "headers":
      return headersOf(text);
    default:
      return JSON.stringify(text); // as it was typed, to the byte
  }
}

const parts = (text: string, by: string): string[] =>
  text
    .split(by)
    .map((t) => t.trim())
    .filter(Boolean);

function headersOf(text: string): string | undefined {
  const all: string[] = [];
  for (const line of parts(text, "\n")) {
    const i = line.indexOf(":");
    if (i < 1) throw { field: "headers", message: `“${line}” must be a name, a colon and a value` } satisfies Refusal;
    all.push(`${JSON.stringify(line.slice(0, i).trim())}:${JSON.stringify(line.slice(i + 1).trim())}`);
  }
  return all.length ? `{${all.join(",")}}` : undefined;
}

/** A body that is JSON goes as it was typed, so that no number loses a digit; one that was not touched as it came. */
function bodyText(d: Draft): string | undefined {
  if (d.bodyKind === "none") return undefined;
  const came = d.bodyCame;
  if (came && isText(came) === (d.bodyKind === "text")) {
    if (d.body === (isText(came) ? sentBody(came) : indented(came))) return came;
  }
  if (d.bodyKind === "text") return JSON.stringify(d.body ?? "");
  try {
    JSON.parse(d.body ?? "");
  } catch (err) {
    throw { field: "body", message: `is no JSON: ${(err as Error).message}` } satisfies Refusal;
  }
  return d.body;
}

/** Whether a field of two forms is the same. */
const sameField = (f: Field, a: Draft, b: Draft): boolean =>
  (a[f.path] ?? "") === (b[f.path] ?? "") && (f.kind !== "body" || a.bodyKind === b.bodyKind);

/** The document of a new job: what is not the default. */
export function newDocument(d: Draft): string {
  const empty = emptyDraft();
  return documentOf((f) => {
    const json = jsonOf(f, d);
    if (json === undefined) return undefined;
    return f.path === "type" || !sameField(f, d, empty) ? json : undefined;
  });
}

/** The document of a test call of a new job, which may be made before its schedule is known. */
export const testDocument = (d: Draft): string => newDocument({ ...d, schedule: d.schedule?.trim() || "@daily" });

/** The document of a change: what is not as it was. A field that was emptied gets its default. */
export function changeDocument(d: Draft, before: Draft): string {
  return documentOf((f) => (sameField(f, d, before) ? undefined : (jsonOf(f, d) ?? "null")));
}

/** The fields that are not as they were. */
export const changedFields = (d: Draft, before: Draft): Field[] => fields.filter((f) => !sameField(f, d, before));

function documentOf(json: (f: Field) => string | undefined): string {
  const top: string[] = [];
  const below = new Map<string, string[]>();
  for (const f of fields) {
    const value = json(f);
    if (value === undefined) continue;
    const [name = "", inner] = f.path.split(".");
    if (inner === undefined) top.push(`${JSON.stringify(name)}:${value}`);
    else below.set(name, [...(below.get(name) ?? []), `${JSON.stringify(inner)}:${value}`]);
  }
  for (const [name, all] of below) top.push(`${JSON.stringify(name)}:{${all.join(",")}}`);
  return `{${top.join(",")}}`;
}

/** Whether a field has something else than its default. */
export function isSet(f: Field, d: Draft): boolean {
  if (f.kind === "body") return d.bodyKind !== "none";
  const text = d[f.path] ?? "";
  return text !== "" && text !== (f.default ?? "");
}
