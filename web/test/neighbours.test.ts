import assert from "node:assert/strict";
import { test } from "node:test";
import { following } from "../src/neighbours.ts";

/** A list of instants as the server has it: the newest first, a page at a time. */
function list(instants: number[]) {
  let asked = 0;
  return {
    ask: async ({ from, to, limit }: { from: number; to: number; limit: number }) => {
      asked++;
      const all = instants.filter((at) => at >= from && at < to).sort((a, b) => b - a);
      return { items: all.slice(0, limit), more: all.length > limit };
    },
    asked: () => asked,
  };
}

test("the next entry is the neighbour, however many come after it", async () => {
  const second = Array.from({ length: 100_000 }, (_, i) => 7_200_000 + i * 1000);
  for (const after of [0, 5, 7_200_000, 7_201_000, 7_200_000 + 50_000_000]) {
    const l = list(second);
    const want = second.find((at) => at > after);
    assert.equal(await following(after, Number.MAX_SAFE_INTEGER, l.ask), want, `after ${after}`);
    assert.ok(l.asked() < 60, `${l.asked()} questions`);
  }
});

test("entries far away, of one instant, and none at all", async () => {
  assert.equal(await following(0, 1e13, list([90 * 86_400_000]).ask), 90 * 86_400_000);
  assert.equal(await following(5, 1e13, list([5]).ask), undefined);
  assert.equal(await following(5, 6, list([7]).ask), undefined);
  assert.equal(await following(5, 1e13, list(Array(2500).fill(9)).ask), 9);
});
