// What an execution has sent: the request, as the version of the job has it that the execution belongs to.
import { useEffect, useState } from "preact/hooks";
import { ApiError, call } from "../api.ts";
import { count } from "../format.ts";
import { sentBody } from "../json.ts";
import type { CurrentSpec, ExecutionWithAttempts, Version } from "../types.gen.ts";
import { ErrorNote, Panel, Skeleton } from "../ui/basics.tsx";
import { bodyOf as textOf } from "../words.ts";

const pagesOfVersions = 20;

/** A version of a job, newest first as lists have them; undefined: it is not kept. */
export async function findVersion(
  number: number,
  page: (cursor: string | undefined) => Promise<{ versions: Version[]; nextCursor?: string }>,
): Promise<Version | undefined> {
  let cursor: string | undefined;
  for (let n = 0; n < pagesOfVersions; n++) {
    const found = await page(cursor);
    const version = found.versions.find((v) => v.version === number);
    const last = found.versions.at(-1);
    if (version || !found.nextCursor || (last && last.version < number)) return version;
    cursor = found.nextCursor;
  }
  return undefined;
}

/** The version that an execution belongs to. The whole body is at the job alone, if it is the current one. */
async function versionOf(e: ExecutionWithAttempts, signal: AbortSignal): Promise<Version | undefined> {
  const path = { id: e.jobId };
  const version = await findVersion(e.version, (cursor) =>
    call("GET /jobs/{id}/versions", { path, query: { limit: 100, ...(cursor ? { cursor } : {}) }, signal }),
  );
  if (!version?.bodyCut || version.effectiveTo !== null) return version;
  const job = await call("GET /jobs/{id}", { path, signal });
  return job.version === e.version ? { ...version, spec: job.spec, bodyCut: false } : version;
}

interface Found {
  of: string;
  version?: Version | undefined;
  error?: Error;
}

/** The request of an execution, secrets masked. */
export function Sent({ execution: e }: { execution: ExecutionWithAttempts }) {
  const [found, setFound] = useState<Found>();
  const key = `${e.jobId} ${e.version}`;
  const off = e.startedAt === null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: key is the job and its version
  useEffect(() => {
    if (off) return;
    const control = new AbortController();
    versionOf(e, control.signal)
      .then((version) => setFound({ of: key, version }))
      .catch((error: Error) => {
        const gone = error instanceof ApiError && error.status === 404;
        if (!control.signal.aborted) setFound(gone ? { of: key } : { of: key, error });
      });
    return () => control.abort();
  }, [key, off]);
  if (off) return null;
  const known = found?.of === key ? found : undefined;
  const v = known?.version;
  return (
    <Panel title="What was sent">
      {!known && <Skeleton lines={6} />}
      <ErrorNote error={known?.error} />
      {known && !v && !known.error && (
        <p class="muted">Version {e.version} of the job, to which the execution belongs, is not kept any more.</p>
      )}
      {v && (
        <>
          <pre class="text" tabIndex={0} role="region" aria-label="The request">
            {requestOf(e, v)}
          </pre>
          <p class="muted">
            As version {v.version} of the job has it{v.effectiveTo === null ? ", the current one" : ""}. Secrets are
            masked. The attempt is the last one’s; the others differ in Belfry-Attempt alone.
          </p>
        </>
      )}
    </Panel>
  );
}

/** A request as text, secrets masked as the API masks them. */
export function requestOf(
  e: ExecutionWithAttempts,
  v: { spec: CurrentSpec; bodyCut?: boolean; bodyBytes?: number },
): string {
  const { spec } = v;
  const url = new URL(spec.api);
  const attempt = Math.max(1, e.attempts.length);
  const lines = [
    `${spec.method} ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    ...Object.entries(spec.headers ?? {}).map(([name, value]) => `${name}: ${value}`),
    `Idempotency-Key: ${e.id}`,
    `Belfry-Job-Id: ${e.jobId}`,
    `Belfry-Execution-Id: ${e.id}`,
    `Belfry-Scheduled-At: ${e.scheduledAt}`,
    `Belfry-Attempt: ${attempt}`,
  ];
  return [lines.join("\n"), ...bodyOf(e, v, attempt)].join("\n\n");
}

function bodyOf(
  e: ExecutionWithAttempts,
  { spec, bodyCut, bodyBytes }: { spec: CurrentSpec; bodyCut?: boolean; bodyBytes?: number },
  attempt: number,
): string[] {
  const body = textOf(spec);
  const { method } = spec;
  if (bodyCut) return [`(a body of ${count(bodyBytes ?? 0)} bytes, which lists of versions leave out)`];
  if (body !== undefined) return sentBody(body) ? [sentBody(body)] : [];
  if (method !== "POST" && method !== "PUT" && method !== "PATCH") return [];
  return [JSON.stringify({ jobId: e.jobId, executionId: e.id, scheduledAt: e.scheduledAt, attempt })];
}
