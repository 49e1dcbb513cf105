import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, Unreachable } from "../src/api.ts";
import { Once } from "../src/once.ts";

/** Sends content, with what becomes of it: an error, or an answer. Returns the key that was sent. */
async function keyOf(once: Once, content: string, outcome?: Error): Promise<string> {
  let key = "";
  const sent = once.send(content, async (headers) => {
    key = headers["Idempotency-Key"] ?? "";
    if (outcome) throw outcome;
    return "made";
  });
  if (outcome) await assert.rejects(sent, outcome);
  else assert.equal(await sent, "made");
  assert.match(key, /^[0-9a-f]{32}$/);
  return key;
}

const problem = (status: number, code = "x"): ApiError =>
  new ApiError(status, { code, status, title: code, type: "" } as never);

test("a retry of the same content without a definite answer has the same key", async () => {
  const unclear = [
    new Unreachable(),
    problem(500),
    problem(503),
    problem(429, "rate-limited"),
    problem(409, "idempotency-key-in-use"),
  ];
  const once = new Once();
  const first = await keyOf(once, "a", new Unreachable());
  for (const outcome of unclear) assert.equal(await keyOf(once, "a", outcome), first, String(outcome));
  assert.equal(await keyOf(once, "a"), first);
});

test("other content, and any content after a definite answer, has another key", async () => {
  const once = new Once();
  const keys = [
    await keyOf(once, "a", new Unreachable()),
    await keyOf(once, "b", new Unreachable()), // was changed before it was sent again
    await keyOf(once, "a", new Unreachable()), // and changed back
    await keyOf(once, "a", problem(422)).then(() => keyOf(once, "a", problem(409))),
    await keyOf(once, "a"),
    await keyOf(once, "a"), // a second one like it
  ];
  assert.equal(new Set(keys).size, keys.length);
});
