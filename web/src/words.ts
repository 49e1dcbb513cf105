// What a job is, in words.
import { duration, plural } from "./format.ts";
import { indented, isText, sentBody } from "./json.ts";
import type { CurrentSpec, Job } from "./types.gen.ts";

/** The sentence of a job: what it calls, when, and how surely. schedule is that of the server. */
export function sentence(spec: CurrentSpec, schedule: string): string {
  const when = schedule ? schedule.charAt(0).toLowerCase() + schedule.slice(1).replace(/\.$/, "") : spec.schedule;
  const surely = spec.type === "ATLEAST_ONCE" ? "each fire at least once" : "each fire at most once";
  return `Sends ${spec.method} to ${spec.api} ${when}, ${surely}. ${retries(spec)}`;
}

/** What follows a failure. */
export function retries({ retry: r }: CurrentSpec): string {
  const n = r.maxRetries ?? 0;
  if (n === 0) return "A call that fails is not made again.";
  const delay = r.delayMs ?? 0;
  const waits: number[] = [];
  for (let i = 1; i <= Math.min(n, 4); i++) {
    const factor = r.backoff === "LINEAR" ? i : r.backoff === "EXPONENTIAL" ? 2 ** (i - 1) : 1;
    waits.push(Math.min(delay * factor, r.maxDelayMs ?? Number.POSITIVE_INFINITY));
  }
  const list = waits.map(duration);
  const text =
    n > 4
      ? `${list.join(", ")} and so on`
      : list.length > 1
        ? `${list.slice(0, -1).join(", ")} and ${list.at(-1)}`
        : list[0];
  return `A call that fails in passing is made again after ${text}: ${plural(n, "retry", "retries")}.`;
}

/** The rest of a job as names and values, without what is as usual. */
export function details(spec: CurrentSpec): [name: string, value: string][] {
  const rows: [string, string | undefined | false][] = [
    ["Timeout", duration(spec.timeoutMs)],
    [
      "While the previous one runs",
      { ALLOW: "sent beside it", SKIP: "skipped, and recorded so", QUEUE: "sent when it has ended" }[spec.overlap],
    ],
    ["After an outage", misfire(spec)],
    [
      "A time that clocks skip",
      { AFTER: "right after the gap", BEFORE: "right before it", SKIP: "not at all" }[spec.dst.gap ?? "AFTER"],
    ],
    [
      "A time that comes twice",
      { FIRST: "the first time", SECOND: "the second time", BOTH: "both times" }[spec.dst.fold ?? "FIRST"],
    ],
    ["Spread", spec.jitterMs ? `a fixed delay of up to ${duration(spec.jitterMs)}` : undefined],
    ["Key", spec.key],
    ["Namespace", spec.namespace],
    ["Signed", spec.signing?.secrets ? "with secrets of its own" : undefined],
    ["Client certificate", spec.clientCertificate],
    ["TLS", spec.tlsSkipVerify ? "any certificate is accepted" : undefined],
    ["Body", shownBody(spec)],
    [
      "Headers",
      Object.entries(spec.headers ?? {})
        .map(([k, v]) => `${k}: ${v}`)
        .join("\n"),
    ],
  ];
  return rows.filter((row): row is [string, string] => !!row[1]);
}

function misfire({ misfire: m }: CurrentSpec): string {
  const age = m.maxAgeMs ? `, those of the last ${duration(m.maxAgeMs)}` : "";
  switch (m.policy) {
    case "RUN_LATEST":
      return `the latest fire goes out late${age}`;
    case "SKIP":
      return "fires that were missed are recorded, not sent";
    default:
      return `all fires go out late${age}${m.maxRuns ? `, ${m.maxRuns} at most` : ""}`;
  }
}

/** The JSON text of the body of a job, as it came; undefined: it has none. */
export const bodyOf = (spec: CurrentSpec): string | undefined => spec.body as string | undefined;

/** A body for people: a text as it is sent, other JSON with its lines indented. */
function shownBody(spec: CurrentSpec): string | undefined {
  const body = bodyOf(spec);
  return body && (isText(body) ? sentBody(body) : indented(body));
}

/** What a job is made of. */
export type Made = Pick<Job, "spec" | "isActive" | "pausedReason" | "pausedUntil">;

/** What POST /jobs takes to make a job again. Masked secrets stay masked, and the body has the bytes that it has. */
export function documentOf({ spec, isActive, pausedReason, pausedUntil }: Made): string {
  const { body: _, ...rest } = spec;
  const beside = isActive
    ? {}
    : { isActive, ...(pausedReason ? { pausedReason } : {}), ...(pausedUntil ? { pausedUntil } : {}) };
  const text = JSON.stringify({ ...rest, ...beside }, null, 2);
  const body = bodyOf(spec);
  return body === undefined ? text : `${text.slice(0, -2)},\n  "body": ${body}\n}`;
}

/** The curl that would make the job. A quote in the document is written so that a shell keeps it. */
export function curlOf(origin: string, job: Made): string {
  const json = documentOf(job).replaceAll("'", "'\\''");
  return `curl -X POST ${origin}/jobs \\\n  -H 'Content-Type: application/json' \\\n  -d '${json}'`;
}

/** Whether a job has values that are not shown, so that a copy of it lacks them. */
export const hasMasked = (spec: CurrentSpec): boolean => JSON.stringify(spec).includes("********");

/** The name of a job, or what stands for it. */
export const nameOf = (j: { spec: { name?: string; api: string } }): string =>
  j.spec.name || j.spec.api.replace(/^https?:\/\//, "");

const authors: Record<string, string> = {
  env: "a key of the settings",
  loopback: "this machine, without a key",
  anonymous: "anybody, without a key",
  server: "Belfry itself",
};

/** Who has done something: the name of a person or a key, or how the server let them in. */
export function authorOf(by: { key: string; name?: string | null }): string {
  return by.name ?? authors[by.key] ?? by.key;
}
