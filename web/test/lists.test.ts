import assert from "node:assert/strict";
import { test } from "node:test";
import { Lazy } from "../src/lazy.ts";
import { ApiError } from "../src/api.ts";
import { type Loaded, pagesWith, refreshed, replaced } from "../src/use.ts";
import { requestOf, tagsOf } from "../src/views/bulk.tsx";
import { FormFault } from "../src/views/jobform.tsx";
import {
  countOf,
  filtersOf,
  inWords,
  listOf,
  selectable,
  selectionOf,
  sorts,
  sortsOfColumns,
} from "../src/views/filters.ts";

const of = (query: string) => filtersOf(new URLSearchParams(query));

test("filters are read from the address, and sent as the API takes them", () => {
  assert.deepEqual(selectionOf(of("")), {});
  assert.deepEqual(selectionOf(of("state=paused&tag=a&host=h&namespace=n&text=x%20y")), {
    text: "x y",
    tag: "a",
    host: "h",
    namespace: "n",
    isActive: false,
  });
  assert.deepEqual(selectionOf(of("state=failing")), { failing: true });
  assert.deepEqual(selectionOf(of("state=nonsense")), {});
  assert.deepEqual(listOf(of("state=active&sort=-id")), { isActive: true, sort: "-id" });
  assert.deepEqual(listOf(of("sort=nextFireAt&tag=a")), { tag: "a", sort: "nextFireAt" });
  assert.deepEqual(listOf(of("sort=nonsense")), {});
  assert.deepEqual(countOf(of("state=never&sort=-failures")), { neverRan: true });
  assert.deepEqual(selectionOf(of("state=never")), {}); // which must not be offered: it would be every job
  assert.equal(selectable(of("state=never")), false);
  assert.equal(selectable(of("state=failing")), true);
  assert.equal(inWords(of("state=never&tag=a")), "never ran, tag “a”");
  assert.equal(inWords(of("state=active&tag=a")), "active, tag “a”");
  assert.equal(inWords(of("sort=-id")), "");
});

test("every job is only meant where it is said", () => {
  assert.deepEqual(requestOf("PAUSE", { query: {}, words: "" }), { action: "PAUSE", query: {}, all: true });
  assert.deepEqual(requestOf("DELETE", { query: { tag: "a" }, words: "" }), { action: "DELETE", query: { tag: "a" } });
  assert.deepEqual(requestOf("TRIGGER", { ids: ["x"] }, { add: ["a"] }), { action: "TRIGGER", ids: ["x"] });
  assert.deepEqual(requestOf("TAG", { ids: ["x"] }, { add: ["a"] }), {
    action: "TAG",
    ids: ["x"],
    tags: { add: ["a"] },
  });
});

test("tags are read as people type them", () => {
  assert.deepEqual(tagsOf(" a\n b c\n\na \nx, y"), ["a", "b c", "x, y"]);
  assert.deepEqual(tagsOf(" \n "), []);
});

test("only pages that are seen are loaded anew", () => {
  const pages = [3, 3, 2].map((n) => ({ cursor: undefined, items: Array.from({ length: n }, () => 0) }));
  assert.deepEqual(pagesWith(pages, 0, 3), [0]);
  assert.deepEqual(pagesWith(pages, 2, 4), [0, 1]);
  assert.deepEqual(pagesWith(pages, 3, 6), [1]);
  assert.deepEqual(pagesWith(pages, 0, 100), [0, 1, 2]);
  assert.deepEqual(pagesWith(pages, 8, 9), []);
  assert.deepEqual(pagesWith([{ cursor: undefined, items: [] }], -12, 8), [0], "an empty list");
  assert.deepEqual(pagesWith([], 0, 8), []);
});

test("a page that was loaded anew leaves no gap and no double row", () => {
  const pages = [undefined, "b", "c"].map((cursor, i) => ({ cursor, items: [`${i}x`, `${i}y`] }));
  const list = { pages, next: "d", done: false };
  const shape = (l: typeof list | ReturnType<typeof replaced<string>>) => [
    l.pages.map((p) => p.items[0]),
    l.next,
    l.done,
  ];
  assert.deepEqual(shape(replaced(list, 1, { items: ["new"], cursor: "c" })), [["0x", "new", "2x"], "d", false]);
  assert.deepEqual(shape(replaced(list, 0, { items: ["new"], cursor: "a+" })), [["new"], "a+", false]);
  assert.deepEqual(shape(replaced(list, 1, { items: ["new"] })), [["0x", "new"], undefined, true]);
  assert.deepEqual(shape(replaced(list, 2, { items: ["new"], cursor: "d" })), [["0x", "1x", "new"], "d", false]);
  const cut = replaced(list, 0, { items: ["new"], cursor: "a+" });
  const again = replaced(cut, 1, { items: ["one more"], cursor: "b+" });
  assert.deepEqual(shape(again), [["new", "one more"], "b+", false]);
  assert.equal(again.pages[1]?.cursor, "a+", "a page that was dropped begins where the one before it ends now");
  assert.equal(list.pages.length, 3, "the list before is not touched");
});

test("a list that grows at its head, is seen here and there, and is loaded further has no gap and no double row", async () => {
  let seed = 7;
  const below = (n: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % n;
  };
  for (let round = 0; round < 200; round++) {
    let newest = below(30);
    // rows are numbers, the newest first; a cursor is the last row of the page before
    const load = async (cursor: string | undefined) => {
      const first = cursor === undefined ? newest : Number(cursor) - 1;
      const items = Array.from({ length: Math.max(0, Math.min(5, first + 1)) }, (_, i) => first - i);
      const last = items.at(-1) ?? 0;
      newest += below(3) === 0 ? below(8) : 0; // rows arrive between one page and the next, too
      return last > 0 ? { items, cursor: String(last) } : { items };
    };
    const { signal } = new AbortController();
    let list: Loaded<number> = { pages: [], next: undefined, done: false };
    for (let step = 0; step < 20; step++) {
      newest += below(6);
      const rows = list.pages.flatMap((p) => p.items);
      if (below(3) === 0 && !list.done) {
        const page = await load(list.next);
        const pages = [...list.pages, { cursor: list.next, items: page.items }];
        list = { pages, next: page.cursor, done: !page.cursor };
      } else {
        const from = below(rows.length + 5);
        list = await refreshed(list, from, from + 1 + below(12), load, signal);
      }
      const now = list.pages.flatMap((p) => p.items);
      for (const [i, row] of now.entries()) assert.equal(row, (now[0] ?? 0) - i, `${now}`);
      if (list.done && now.length > 0) assert.equal(now.at(-1), 0);
    }
  }
});

test("typing takes a fault from its field, and adds none", () => {
  const errors = [
    { field: "api", message: "must be http or https" },
    { field: "retry.maxRetries", message: "at most 100" },
  ];
  const error = new ApiError(422, { code: "invalid", title: "Invalid", status: 422, type: "", errors } as never);
  const fault = new FormFault(error).without("api").without("name").without("name");
  assert.equal(fault.of("api"), undefined);
  assert.equal(fault.of("retry.maxRetries"), "at most 100");
  assert.equal((fault.error as ApiError).problem?.errors?.length, 2);
  const own = new FormFault({ field: "body", message: "is no JSON" }).without("name");
  assert.equal(own.of("body"), "is no JSON");
  assert.equal(own.without("body").of("body"), undefined);
});

test("few calls are made at a time, the newest demand first, and none that is no longer wanted", async () => {
  const asked: string[] = [];
  const release: (() => void)[] = [];
  const lazy = new Lazy<string>(
    (key) => {
      asked.push(key);
      return new Promise((resolve) => release.push(() => resolve(key.toUpperCase())));
    },
    { atOnce: 2, kept: 10, freshFor: 60_000 },
  );
  const got: string[] = [];
  for (const key of ["a", "b", "c", "d", "e"]) {
    const stop = lazy.want(key, (v) => got.push(v));
    if (key === "d") stop();
  }
  assert.deepEqual(asked, ["a", "b"]);
  release.shift()?.();
  await new Promise(setImmediate);
  assert.deepEqual(asked, ["a", "b", "e"]);
  for (let i = 0; i < 3; i++) {
    for (const free of release.splice(0)) free();
    await new Promise(setImmediate);
  }
  assert.deepEqual(asked, ["a", "b", "e", "c"]);
  assert.deepEqual(got.sort(), ["A", "B", "C", "E"]);
  lazy.want("a", (v) => got.push(`again ${v}`));
  assert.equal(got.at(-1), "again A");
  assert.equal(asked.length, 4);
});

test("a column asks for an order that the list has, and says its direction", () => {
  for (const { sort, direction } of Object.values(sortsOfColumns)) {
    assert.ok(sorts.some(([name]) => name === sort));
    assert.equal(direction, sort.startsWith("-") ? "descending" : "ascending");
  }
  assert.ok(sorts.some(([name]) => name === sortsOfColumns.job.back));
});
