import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { ApiError, call, outage, partial, recoveries, refusals, Unreachable, urlOf } from "../src/api.ts";

const real = globalThis.fetch;

afterEach(() => {
  globalThis.fetch = real;
  outage.set(null);
  mock.timers.reset();
});

/** Answers calls one after the other; null: the network fails. */
function answers(...all: (Response | null)[]): string[] {
  const asked: string[] = [];
  globalThis.fetch = async (input, init) => {
    asked.push(`${init?.method ?? "GET"} ${String(input)}`);
    const next = all.shift();
    if (!next) throw new TypeError("fetch failed");
    return next;
  };
  return asked;
}

const json = (body: unknown, status = 200, type = "application/json"): Response =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": type, "X-Request-Id": "x" } });

const turns = async (n = 10): Promise<void> => {
  for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
};

test("an address has the path and the query, and lists have commas", () => {
  assert.equal(
    urlOf("GET /jobs/{id}/executions", { id: "a/b" }, { status: ["FAILED", "UNKNOWN"], limit: 5 }),
    "/jobs/a%2Fb/executions?status=FAILED%2CUNKNOWN&limit=5",
  );
  assert.equal(urlOf("GET /jobs", {}, { text: "", tag: undefined, failing: false }), "/jobs?failing=false");
});

test("what the API refuses is told in its words, beside the field", async () => {
  const problem = {
    type: "/docs#problem-invalid",
    code: "invalid",
    title: "The document has wrong fields",
    detail: "1 field is wrong",
    status: 422,
    errors: [{ field: "retry.maxRetries", message: "must be at most 20", code: "range" }],
  };
  answers(json(problem, 422, "application/problem+json"));
  const err = await call("GET /me").then(
    () => assert.fail("it was answered"),
    (e: unknown) => e as ApiError,
  );
  assert.ok(err instanceof ApiError);
  assert.equal(err.message, "The document has wrong fields. 1 field is wrong");
  assert.equal(err.field("retry.maxRetries")?.message, "must be at most 20");
  assert.equal(err.field("retry")?.message, "must be at most 20");
  assert.equal(err.field("ret"), undefined);
  assert.equal(outage.value, null);
});

test("an answer without a problem has the status", async () => {
  answers(new Response("oops", { status: 500, headers: { "X-Request-Id": "x" } }));
  await assert.rejects(call("GET /me"), /status 500/);
});

test("a refusal of who one is is counted", async () => {
  const before = refusals.value;
  answers(json({ title: "No key", status: 401 }, 401, "application/problem+json"));
  await assert.rejects(call("GET /me"), ApiError);
  assert.equal(refusals.value, before + 1);
});

test("an outage begins with a call that is not answered, and ends by itself", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const before = recoveries.value;
  const asked = answers(null, null, new Response("", { status: 503 }), json({ status: "ok" }));
  await assert.rejects(call("GET /jobs"), Unreachable);
  assert.notEqual(outage.value, null);
  mock.timers.tick(500);
  await turns();
  mock.timers.tick(1000);
  await turns();
  assert.notEqual(outage.value, null);
  assert.equal(recoveries.value, before);
  mock.timers.tick(1000);
  await turns();
  assert.equal(outage.value, null);
  assert.equal(recoveries.value, before + 1);
  assert.deepEqual(asked, ["GET /jobs", "GET /healthz", "GET /healthz", "GET /healthz"]);
  mock.timers.tick(60_000);
  await turns();
  assert.equal(asked.length, 4);
});

test("a proxy that answers for a server which does not is an outage, the server's own answer is none", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  answers(json({ title: "Away", status: 504 }, 504, "application/problem+json"));
  await assert.rejects(call("GET /jobs"), ApiError);
  assert.equal(outage.value, null);
  answers(new Response("Bad gateway", { status: 502 }));
  await assert.rejects(call("GET /jobs"), Unreachable);
  assert.notEqual(outage.value, null);
});

test("a call that is cancelled is no outage", async () => {
  const control = new AbortController();
  globalThis.fetch = async () => {
    control.abort();
    throw control.signal.reason;
  };
  await assert.rejects(call("GET /jobs", { signal: control.signal }), { name: "AbortError" });
  assert.equal(outage.value, null);
});

test("an answer that lacks what another server knows is noted, until the next one of its route lacks nothing", async () => {
  const lacking = (status = 200): Response =>
    new Response("{}", { status, headers: { "Content-Type": "application/json", "Belfry-Live": "partial" } });
  answers(lacking(), lacking(404), json({}), json({}), json({}));
  await call("GET /executions/running");
  await call("GET /executions/{id}", { path: { id: "x" } }).catch(() => undefined);
  assert.deepEqual([...partial.value], ["GET /executions/running", "GET /executions/{id}"]);
  const before = partial.value;
  await call("GET /me");
  assert.equal(partial.value, before); // whoever shows it is not rendered anew
  await call("GET /executions/running");
  assert.deepEqual([...partial.value], ["GET /executions/{id}"]);
  await call("GET /executions/{id}", { path: { id: "x" } });
  assert.equal(partial.value.size, 0);
});
