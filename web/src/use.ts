// Hooks by which views ask the API.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { type Answer, type Call, call, isAbort, outage, type Route, recoveries } from "./api.ts";
import { useStore } from "./store.ts";

export interface Asked<T> {
  /** The last answer; undefined: none has come yet. */
  data: T | undefined;
  /** Why the last call has failed; undefined: it has not. */
  error: Error | undefined;
  loading: boolean;
  /** When the last answer came, in milliseconds of this clock; 0: none has. */
  at: number;
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

/** Asks the API, again when the question changes or an outage ends. What is under way is cancelled then. */
export function useApi<R extends Route>(route: R, c: Omit<Call<R>, "signal"> = {}, how: How = {}): Asked<Answer<R>> {
  const key = JSON.stringify([route, c.path, c.query, c.body]);
  const [state, set] = useState<{ key: string; data?: Answer<R>; error?: Error; at: number }>({ key, at: 0 });
  const [turn, setTurn] = useState(0);
  const [loading, setLoading] = useState(!how.off);
  const back = useStore(recoveries);
  const args = useRef(c);
  args.current = c;
  const { every, off } = how;

  // biome-ignore lint/correctness/useExhaustiveDependencies: key stands for the question; turn and back ask it again
  useEffect(() => {
    if (off) return;
    const control = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      setLoading(true);
      try {
        const data = await call(route, { ...args.current, signal: control.signal } as Call<R>);
        if (!control.signal.aborted) set({ key, data, at: Date.now() });
      } catch (err) {
        if (control.signal.aborted || isAbort(err)) return;
        set((s) => ({ key, data: s.key === key ? s.data : undefined, error: err as Error, at: s.at }));
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
    data: known || how.keep ? state.data : undefined,
    error: known ? state.error : undefined,
    loading,
    at: state.at,
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
  reload: () => void;
}

/** What was loaded of lists, so that the browser's way back shows it at once. */
const kept = new Map<string, { items: unknown[]; cursor: string | undefined; done: boolean }>();
const keptLists = 8;

/** A list that is loaded page by page. load returns a page and the cursor of the next one. */
export function usePages<T>(
  key: string,
  load: (cursor: string | undefined, signal: AbortSignal) => Promise<{ items: T[]; cursor?: string }>,
): Pages<T> {
  const fresh = (): { items: T[]; cursor?: string; done: boolean } =>
    (kept.get(key) as { items: T[]; cursor?: string; done: boolean }) ?? { items: [], done: false };
  const [state, set] = useState({ key, ...fresh() });
  const [error, setError] = useState<Error>();
  const [loading, setLoading] = useState(false);
  const [turn, setTurn] = useState(0);
  const busy = useRef<AbortController | undefined>(undefined);
  const loader = useRef(load);
  loader.current = load;
  const back = useStore(recoveries);
  const current = state.key === key ? state : { key, ...fresh() };
  const now = useRef(current);
  now.current = current;

  const more = useCallback((): void => {
    const from = now.current;
    if (busy.current || from.done) return;
    const control = new AbortController();
    busy.current = control;
    setLoading(true);
    setError(undefined);
    loader
      .current(from.cursor, control.signal)
      .then((page) => {
        if (control.signal.aborted) return;
        const next = {
          key: from.key,
          items: [...from.items, ...page.items],
          cursor: page.cursor,
          done: !page.cursor,
        };
        kept.delete(from.key);
        kept.set(from.key, next);
        for (const old of kept.keys()) if (kept.size > keptLists) kept.delete(old);
        set(next as typeof current);
      })
      .catch((err: unknown) => {
        if (!control.signal.aborted && !isAbort(err)) setError(err as Error);
      })
      .finally(() => {
        if (busy.current !== control) return;
        busy.current = undefined;
        setLoading(false);
      });
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: key is another list; turn and back load it anew
  useEffect(() => {
    setError(undefined);
    if (!now.current.done && now.current.items.length === 0) more();
    return () => {
      busy.current?.abort();
      busy.current = undefined;
    };
  }, [key, turn, back]);

  const reload = useCallback(() => {
    busy.current?.abort();
    busy.current = undefined;
    kept.delete(now.current.key);
    const empty = { key: now.current.key, items: [] as T[], cursor: undefined, done: false };
    now.current = empty as typeof current;
    set(empty as typeof current);
    setTurn((n) => n + 1);
  }, []);

  return { items: current.items, error, loading, done: current.done, more, reload };
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
