// The filters of the list of jobs: in the address, as the API takes them, and in words.
import type { Query } from "../router.ts";
import type { BulkQuery, Routes } from "../types.gen.ts";

type JobsQuery = Routes["GET /jobs"]["query"];

/** Which jobs the address asks for. */
export interface Filters {
  text: string;
  /** all, active, paused, failing or never */
  state: string;
  tag: string;
  host: string;
  namespace: string;
  sort: string;
}

export const states = [
  ["", "All"],
  ["active", "Active"],
  ["paused", "Paused"],
  ["failing", "Failing"],
  ["never", "Never ran"],
] as const;

/** The orders of the list, as the API names them; the first one is that without a name. */
export const sorts = [
  ["", "Oldest first"],
  ["-id", "Newest first"],
  ["name", "Name"],
  ["-name", "Name, backwards"],
  ["nextFireAt", "Next fire"],
  ["-lastFireAt", "Last fire"],
  ["-failures", "Failures in a row"],
] as const;

/** The columns of the list by which it is sorted; with back there is the other direction, too. */
export const sortsOfColumns = {
  job: { sort: "name", direction: "ascending", words: "By name", back: "-name" },
  next: { sort: "nextFireAt", direction: "ascending", words: "The soonest first" },
  last: { sort: "-lastFireAt", direction: "descending", words: "The latest first" },
  strip: { sort: "-failures", direction: "descending", words: "The most failures in a row first" },
} as const;

export function filtersOf(query: URLSearchParams): Filters {
  const get = (name: string): string => query.get(name) ?? "";
  return {
    text: get("text"),
    state: states.some(([s]) => s === get("state")) ? get("state") : "",
    tag: get("tag"),
    host: get("host"),
    namespace: get("namespace"),
    sort: sorts.some(([s]) => s === get("sort")) ? get("sort") : "",
  };
}

/** The query of an operation on all jobs that the filters match; empty: every job. */
export function selectionOf(f: Filters): BulkQuery {
  const q: BulkQuery = {};
  if (f.text) q.text = f.text;
  if (f.tag) q.tag = f.tag;
  if (f.host) q.host = f.host;
  if (f.namespace) q.namespace = f.namespace;
  if (f.state === "active") q.isActive = true;
  if (f.state === "paused") q.isActive = false;
  if (f.state === "failing") q.failing = true;
  return q;
}

/** Whether an operation can select what the filters match: which jobs never ran changes while it runs. */
export const selectable = (f: Filters): boolean => f.state !== "never";

/** The query of the count, which no order changes. */
export const countOf = (f: Filters): JobsQuery => ({
  ...selectionOf(f),
  ...(f.state === "never" ? { neverRan: true } : {}),
});

/** The query of the list. */
export const listOf = (f: Filters): JobsQuery => ({
  ...countOf(f),
  ...(f.sort ? { sort: f.sort as NonNullable<JobsQuery["sort"]> } : {}),
});

/** The filters in words, for the question before an operation: "active, tag “x”". */
export function inWords(f: Filters): string {
  const parts = [
    f.state === "never" ? "never ran" : f.state,
    f.text && `with “${f.text}”`,
    f.tag && `tag “${f.tag}”`,
    f.host && `host ${f.host}`,
    f.namespace && `namespace ${f.namespace}`,
  ].filter(Boolean);
  return parts.join(", ");
}

/** What takes all filters away. */
export const cleared: Query = { text: "", state: "", tag: "", host: "", namespace: "" };
