// Tries the types that openapi-typescript makes of the document, with openapi-fetch, against the server at BELFRY_URL:
// create, list, update, trigger, executions, delete, and a rename that changes nothing else.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

declare const process: { env: Record<string, string | undefined> };

const client = createClient<paths>({ baseUrl: process.env.BELFRY_URL ?? "" });

function must<T>(what: string, result: { data?: T; error?: unknown }): T {
  if (result.data === undefined) throw new Error(`${what}: ${JSON.stringify(result.error)}`);
  return result.data;
}

const odd: components["schemas"]["JobSpec"] = {
  schedule: "0 30 2 1 * *", api: "http://127.0.0.1:9/hook", type: "ATMOST_ONCE", name: "before", tags: ["a", "b"],
  timezone: "Europe/Berlin", method: "PUT", headers: { "X-A": "1", Authorization: "Bearer x" }, body: { n: [1, null] },
  timeoutMs: 500, retry: { maxRetries: 0, delayMs: 2, backoff: "FIXED", maxDelayMs: 3 }, overlap: "QUEUE",
  misfire: { policy: "SKIP", maxAgeMs: 5, maxRuns: 6 }, startAt: 1900000000000, endAt: "2190-01-01T00:00:00Z",
  jitterMs: 9, dst: { gap: "SKIP", fold: "BOTH" }, prepare: false, tlsSkipVerify: true, isActive: false,
};

async function renames() {
  const made = must("create", await client.POST("/jobs", { body: odd }));
  const path = { id: made.id };
  must("update", await client.PUT("/jobs/{id}", { params: { path }, body: { name: "after" } }));
  const got = must("get", await client.GET("/jobs/{id}", { params: { path } }));
  const want = JSON.stringify({ ...made.spec, name: "after" });
  const sorted = (text: string) => JSON.stringify(Object.entries(JSON.parse(text)).sort());
  if (sorted(JSON.stringify(got.spec)) !== sorted(want) || got.isActive) {
    throw new Error(`the rename has changed more: ${JSON.stringify(got)}, want ${want}`);
  }
  must("delete", await client.DELETE("/jobs/{id}", { params: { path } }));
}

async function round() {
  const made = must("create", await client.POST("/jobs", {
    body: { schedule: "0 0 0 1 1 *", api: "http://127.0.0.1:9/", type: "ATLEAST_ONCE", retry: { maxRetries: 0 } },
  }));
  const path = { id: made.id };
  const list = must("list", await client.GET("/jobs", { params: { query: { limit: 10 } } }));
  if (!list.jobs.some((job) => job.id === made.id)) throw new Error("the job is not in the list");
  must("trigger", await client.POST("/jobs/{id}/trigger", { params: { path } }));
  for (let tries = 0; ; tries++) {
    const { executions } = must("executions", await client.GET("/jobs/{id}/executions", { params: { path } }));
    if (executions.length === 1 && executions[0]?.status === "FAILED") break;
    if (tries === 200) throw new Error(`no execution: ${JSON.stringify(executions)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  must("delete", await client.DELETE("/jobs/{id}", { params: { path } }));
  const gone = await client.GET("/jobs/{id}", { params: { path } });
  if (gone.error?.code !== "not-found") throw new Error(`after the delete: ${JSON.stringify(gone)}`);
}

await renames();
await round();
console.log("openapi-typescript: 2 passed, 0 failed");
