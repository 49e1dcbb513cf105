import assert from "node:assert/strict";
import { test } from "node:test";
import type { CurrentSpec, ExecutionWithAttempts, Version } from "../src/types.gen.ts";
import { findVersion, requestOf } from "../src/views/sent.tsx";

const pages = (...all: number[][]) => {
  let asked = 0;
  const page = async (cursor: string | undefined) => {
    asked++;
    const i = Number(cursor ?? 0);
    const versions = (all[i] ?? []).map((version) => ({ version }) as Version);
    return { versions, ...(i + 1 < all.length ? { nextCursor: String(i + 1) } : {}) };
  };
  return { page, asked: () => asked };
};

test("a version is found on its page, and no further one is asked for", async () => {
  const p = pages([5, 4], [3, 2], [1]);
  assert.equal((await findVersion(3, p.page))?.version, 3);
  assert.equal(p.asked(), 2);
});

test("a version that is not kept is not looked for to the end", async () => {
  const p = pages([9, 8], [5, 4], [3]);
  assert.equal(await findVersion(6, p.page), undefined);
  assert.equal(p.asked(), 2);
  assert.equal(await findVersion(1, pages([3, 2]).page), undefined);
  const endless = async () => ({ versions: [] as Version[], nextCursor: "x" });
  assert.equal(await findVersion(1, endless), undefined);
});

const execution = { id: "e", jobId: "j", scheduledAt: 5, attempts: [{}, {}] } as unknown as ExecutionWithAttempts;
const spec = (s: Partial<CurrentSpec>) => ({ method: "POST", api: "https://a.test/x?y", ...s }) as CurrentSpec;

test("a request has the body of its version, or the identity of the fire", () => {
  const text = requestOf(execution, { spec: spec({ headers: { A: "********" } }) });
  assert.match(text, /^POST \/x\?y HTTP\/1\.1\nHost: a\.test\nA: \*{8}\nIdempotency-Key: e\n/);
  assert.match(text, /Belfry-Attempt: 2\n\n\{"jobId":"j","executionId":"e","scheduledAt":5,"attempt":2\}$/);
  assert.match(requestOf(execution, { spec: spec({ body: '"hi"' }) }), /\n\nhi$/);
  assert.match(requestOf(execution, { spec: spec({ body: '{"n":1.0}' }) }), /\n\n\{"n":1\.0\}$/);
  assert.match(requestOf(execution, { spec: spec({ method: "DELETE" }) }), /Belfry-Attempt: 2$/);
  assert.match(requestOf(execution, { spec: spec({}), bodyCut: true, bodyBytes: 5000 }), /\n\n\(a body of 5,000 bytes/);
});
