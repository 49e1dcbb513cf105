import assert from "node:assert/strict";
import { test } from "node:test";
import { changedFrom, later, latelyShown } from "../src/lately.ts";
import type { Execution } from "../src/types.gen.ts";

type Status = Execution["status"];
const run = (at: number, status: Status = "SUCCESS") =>
  ({ id: `x${at}`, scheduledAt: at, status }) as unknown as Execution;
const page = (...executions: Execution[]) => ({ executions });
const shown = (p: { executions: Execution[] }) => p.executions.map((e) => `${e.scheduledAt} ${e.status}`);

test("what has ended is not asked for again, what has not is", () => {
  assert.equal(changedFrom([]), undefined);
  assert.equal(changedFrom([run(9), run(8)]), 9);
  assert.equal(changedFrom([run(9), run(8), run(3, "RUNNING"), run(2)]), 3);
  assert.equal(changedFrom([run(9, "PENDING"), run(8, "FAILED")]), 9);
  assert.deepEqual(later.query(page(run(9))), { from: 9 });
  assert.equal(later.query(page()), undefined);
});

test("what comes later takes the place of what it was", () => {
  const had = page(run(9), run(8, "RUNNING"), run(7));
  const got = page(run(10, "RUNNING"), run(9), run(8, "FAILED"));
  assert.deepEqual(shown(later.join(had, got)), ["10 RUNNING", "9 SUCCESS", "8 FAILED", "7 SUCCESS"]);
  assert.deepEqual(shown(later.join(had, page(run(9)))), ["9 SUCCESS", "7 SUCCESS"], "one that is gone");
  assert.deepEqual(shown(later.join(page(run(9)), page(run(9)))), ["9 SUCCESS"]);
});

test("no more are kept than are shown, and a full answer replaces all", () => {
  const many = Array.from({ length: latelyShown }, (_, i) => run(1000 - i));
  const joined = later.join(page(...many), page(run(1001), run(1000)));
  assert.equal(joined.executions.length, latelyShown);
  assert.equal(joined.executions[0]?.scheduledAt, 1001);
  assert.equal(joined.executions.at(-1)?.scheduledAt, 1000 - latelyShown + 2);
  const newer = many.map((e) => run(e.scheduledAt + 5000));
  assert.deepEqual(shown(later.join(page(...many), page(...newer))), shown(page(...newer)), "a gap is not hidden");
});
