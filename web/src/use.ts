// Hooks by which views ask the API.
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Answer, type Call, call, changes, isAbort, outage, type Route, recoveries } from "./api.ts";
import { useStore } from "./store.ts";

export interface Asked<T> {
  /** The last answer; undefined: none has come yet. */
  data: T | undefined;
  /** Why the last call has failed; undefined: it has not. */
  error: Error | undefined;
  loading: boolean;
  reload: () => void;
}

export interface How {
  /** Asks again so many milliseconds after each answer, while the page is seen. */
  every?: number;
  /** Does not ask. */
  off?: boolean;
  /** Keeps the last answer while another question is asked. */
  keep?: boolean;
}

/** Asks for what may have changed alone: what the server need not look up again costs it nothing. */
export interface Later<T> {
  /** What else to ask for, when that was answered; undefined: for everything. */
  query: (had: T) => Record<string, number> | undefined;
  /** What holds after the answer to that. */
  join: (had: T, got: T) => T;
}

/** How often everything is asked for all the same. */
const wholeEvery = 60_000;

/** The last answers to questions, so that the browser's way back shows a view as it was, at once. They are asked anew. */
const answers = new Map<string, unknown>();
const keptAnswers = 60;
changes.subscribe(() => answers.clear());

function keepAnswer(key: string, data: unknown): void {
  if (!key.startsWith('["GET ')) return;
  answers.delete(key);
  answers.set(key, data);
  for (const old of answers.keys()) if (answers.size > keptAnswers) answers.delete(old);
}

/** Asks the API, again when the question changes or an outage ends. What is under way is cancelled then. */
export function useApi<R extends Route>(
  route: R,
  c: Omit<Call<R>, "signal"> = {},
  how: How & { later?: Later<Answer<R>> } = {},
): Asked<Answer<R>> {
  const key = JSON.stringify([route, c.path, c.query, c.body]);
  const [state, set] = useState<{ key: string; data?: Answer<R>; error?: Error }>(() => ({
    key,
    data: answers.get(key) as Answer<R> | undefined,
  }));
  const [turn, setTurn] = useState(0);
  const [loading, setLoading] = useState(!how.off);
  const back = useStore(recoveries);
  const args = useRef(c);
  args.current = c;
  const { every, off, later } = how;

  // biome-ignore lint/correctness/useExhaustiveDependencies: key stands for the question; turn and back ask it again
  useEffect(() => {
    if (off) return;
    const control = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let had: Answer<R> | undefined;
    let wholeAt = 0;
    const answer = async (): Promise<Answer<R>> => {
      const now = performance.now();
      const more = had !== undefined && now - wholeAt < wholeEvery ? later?.query(had) : undefined;
      const question = { ...args.current, signal: control.signal } as Call<R>;
      if (had !== undefined && later && more) {
        const got = await call(route, { ...question, query: { ...args.current.query, ...more } } as Call<R>);
        return later.join(had, got);
      }
      const all = await call(route, question);
      wholeAt = now;
      return all;
    };
    const ask = async (): Promise<void> => {
      setLoading(true);
      try {
        const data = await answer();
        had = data;
        keepAnswer(key, data);
        if (!control.signal.aborted) set({ key, data });
      } catch (err) {
        if (control.signal.aborted || isAbort(err)) return;
        set((s) => ({ key, data: s.key === key ? s.data : undefined, error: err as Error }));
      }
      if (control.signal.aborted) return;
      setLoading(false);
      if (every) timer = setTimeout(again, every);
    };
    const again = (): void => {
      if (document.hidden || outage.value !== null) timer = setTimeout(again, every);
      else void ask();
    };
    void ask();
    return () => {
      control.abort();
      clearTimeout(timer);
    };
  }, [key, turn, back, every, off]);

  const reload = useCallback(() => setTurn((n) => n + 1), []);
  const known = state.key === key;
  return {
    data: known ? state.data : ((answers.get(key) as Answer<R> | undefined) ?? (how.keep ? state.data : undefined)),
    error: known ? state.error : undefined,
    loading,
    reload,
  };
}

export interface Pages<T> {
  items: T[];
  error: Error | undefined;
  loading: boolean;
  /** Whether all has been loaded. */
  done: boolean;
  more: () => void;
  /** Loads the list anew. */
  reload: () => void;
  /** Loads those pages anew that have some of these items, in their places; false: it loads something else. */
  refresh: (from: number, to: number) => boolean;
  /** Which list it is. */
  key: string;
}

interface Page<T> {
  /** Where the page begins; undefined: at the top. */
  cursor: string | undefined;
  items: T[];
}

export interface Loaded<T> {
  pages: Page<T>[];
  /** Of the next page. */
  next: string | undefined;
  done: boolean;
}

/** Which pages have some of the items from one place to another. */
export function pagesWith<T>(pages: Page<T>[], from: number, to: number): number[] {
  const found: number[] = [];
  let start = 0;
  for (const [i, p] of pages.entries()) {
    if (start < to && start + p.items.length > from) found.push(i);
    start += p.items.length;
  }
  if (start === 0 && pages.length > 0) return [0]; // an empty list may get its first item
  return found;
}

/**
 * A list after one of its pages was loaded anew. Where that page does not end any more where the next one begins, items
 * would be missing or be there twice: the later pages are dropped then. i may be that of the page after the last one.
 */
export function replaced<T>(list: Loaded<T>, i: number, page: { items: T[]; cursor?: string }): Loaded<T> {
  const pages = [...list.pages];
  pages[i] = { cursor: i < pages.length ? pages[i]?.cursor : list.next, items: page.items };
  const following = pages[i + 1];
  if (following && following.cursor === page.cursor) return { ...list, pages };
  return { pages: pages.slice(0, i + 1), next: page.cursor, done: !page.cursor };
}

/** A page by its cursor. */
type Load<T> = (cursor: string | undefined, signal: AbortSignal) => Promise<{ items: T[]; cursor?: string }>;

/** A list of which those pages were loaded anew that have some of the items from one place to another. */
export async function refreshed<T>(
  before: Loaded<T>,
  from: number,
  to: number,
  load: Load<T>,
  signal: AbortSignal,
): Promise<Loaded<T>> {
  let list = before;
  for (const i of pagesWith(before.pages, from, to)) {
    const known = list.pages[i];
    if (!known && list.done) break;
    const cursor = known ? known.cursor : list.next; // those that were dropped are seen, and come again
    list = replaced(list, i, await load(cursor, signal));
    if (signal.aborted) return before;
  }
  return list;
}

/** What was loaded of lists, so that the browser's way back shows it at once. */
const kept = new Map<string, Loaded<unknown>>();
const keptLists = 8;

function keep(key: string, list: Loaded<unknown>): void {
  kept.delete(key);
  kept.set(key, list);
  for (const old of kept.keys()) if (kept.size > keptLists) kept.delete(old);
}

/** A list that is loaded page by page. load returns a page and the cursor of the next one. */
export function usePages<T>(key: string, load: Load<T>): Pages<T> {
  const empty: Loaded<T> = { pages: [], next: undefined, done: false };
  const fresh = (): Loaded<T> => (kept.get(key) as Loaded<T> | undefined) ?? empty;
  const [state, set] = useState(() => ({ key, list: fresh() }));
  const [error, setError] = useState<Error>();
  const [loading, setLoading] = useState(false);
  const [turn, setTurn] = useState(0);
  const busy = useRef<AbortController | undefined>(undefined);
  const loader = useRef(load);
  loader.current = load;
  const back = useStore(recoveries);
  const current = state.key === key ? state : { key, list: fresh() };
  const now = useRef(current);
  now.current = current;

  const show = useCallback((of: string, list: Loaded<T>): void => {
    keep(of, list);
    now.current = { key: of, list };
    set(now.current);
  }, []);

  /** Runs one load at a time; another list cancels it. */
  const run = useCallback(async (work: (signal: AbortSignal) => Promise<void>): Promise<void> => {
    if (busy.current) return;
    const control = new AbortController();
    busy.current = control;
    try {
      await work(control.signal);
    } catch (err) {
      if (!control.signal.aborted && !isAbort(err)) setError(err as Error);
    }
    if (busy.current === control) busy.current = undefined;
  }, []);

  const more = useCallback((): void => {
    const { key: of, list } = now.current;
    if (busy.current || list.done) return;
    setLoading(true);
    setError(undefined);
    void run(async (signal) => {
      const page = await loader.current(list.next, signal);
      if (signal.aborted) return;
      const pages = [...list.pages, { cursor: list.next, items: page.items }];
      show(of, { pages, next: page.cursor, done: !page.cursor });
    }).finally(() => setLoading(false));
  }, [run, show]);

  const refresh = useCallback(
    (from: number, to: number): boolean => {
      if (busy.current) return false;
      const { key: of, list: before } = now.current;
      void run(async (signal) => {
        const list = await refreshed(before, from, to, loader.current, signal);
        if (signal.aborted) return;
        setError(undefined);
        show(of, list);
      });
      return true;
    },
    [run, show],
  );

  // biome-ignore lint/correctness/useExhaustiveDependencies: key is another list; turn and back load it anew
  useEffect(() => {
    setError(undefined);
    if (!now.current.list.done && now.current.list.pages.length === 0) more();
    return () => {
      busy.current?.abort();
      busy.current = undefined;
    };
  }, [key, turn, back]);

  const reload = useCallback(() => {
    busy.current?.abort();
    busy.current = undefined;
    kept.delete(now.current.key);
    now.current = { key: now.current.key, list: { pages: [], next: undefined, done: false } };
    set(now.current);
    setTurn((n) => n + 1);
  }, []);

  const items = useMemo(() => current.list.pages.flatMap((p) => p.items), [current.list]);
  return { items, error, loading, done: current.list.done, more, reload, refresh, key };
}

/** A value that follows another one after a while of quiet: what is typed is not asked for letter by letter. */
export function useQuiet<T>(value: T, ms: number): T {
  const [quiet, set] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => set(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return quiet;
}
