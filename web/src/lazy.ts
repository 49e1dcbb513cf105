// What rows ask for when they are seen: few calls at a time, each answer kept for a while.
import { useEffect, useState } from "preact/hooks";
import { call } from "./api.ts";
import { type Acting, actingOf } from "./quiet.ts";
import type { Execution, Job } from "./types.gen.ts";
import { nameOf } from "./words.ts";

/** Makes the calls for keys, so many at a time, the newest demand first, and keeps the answers. */
export class Lazy<T> {
  readonly #load: (key: string) => Promise<T>;
  readonly #most: number;
  readonly #kept: number;
  readonly #freshFor: number;
  readonly #answers = new Map<string, { value: T; at: number }>();
  readonly #waiting = new Map<string, Set<(value: T) => void>>();
  #running = 0;

  constructor(load: (key: string) => Promise<T>, how: { atOnce: number; kept: number; freshFor: number }) {
    this.#load = load;
    this.#most = how.atOnce;
    this.#kept = how.kept;
    this.#freshFor = how.freshFor;
  }

  /** The last answer, however old; undefined: there was none. */
  known(key: string): T | undefined {
    return this.#answers.get(key)?.value;
  }

  /** Calls back with the answer, when there is a fresh one. What is no longer wanted is not asked for. */
  want(key: string, got: (value: T) => void): () => void {
    const answer = this.#answers.get(key);
    if (answer && Date.now() - answer.at < this.#freshFor) {
      got(answer.value);
      return () => undefined;
    }
    const all = this.#waiting.get(key) ?? new Set();
    all.add(got);
    this.#waiting.delete(key);
    this.#waiting.set(key, all); // the last is the newest
    this.#next();
    return () => {
      all.delete(got);
      if (all.size === 0 && this.#waiting.get(key) === all) this.#waiting.delete(key);
    };
  }

  #next(): void {
    while (this.#running < this.#most) {
      const key = [...this.#waiting.keys()].pop();
      if (key === undefined) return;
      const all = this.#waiting.get(key) ?? new Set();
      this.#waiting.delete(key);
      this.#running++;
      this.#load(key)
        .then((value) => {
          this.#answers.delete(key);
          this.#answers.set(key, { value, at: Date.now() });
          for (const old of this.#answers.keys()) if (this.#answers.size > this.#kept) this.#answers.delete(old);
          for (const got of all) got(value);
        })
        .catch(() => undefined) // the row goes without
        .finally(() => {
          this.#running--;
          this.#next();
        });
    }
  }
}

function useLazy<T>(lazy: Lazy<T>, key: string): T | undefined {
  const [value, set] = useState<T | undefined>(() => lazy.known(key));
  useEffect(() => {
    set(() => lazy.known(key));
    return lazy.want(key, (v) => set(() => v));
  }, [lazy, key]);
  return value;
}

const words = new Lazy<string>(
  async (key) => {
    const [schedule = "", timezone = ""] = JSON.parse(key) as string[];
    return (await call("POST /schedules/preview", { body: { schedule, timezone, count: 1 } })).description;
  },
  { atOnce: 3, kept: 2000, freshFor: 3_600_000 },
);

/** A schedule in the words of the server; undefined: not yet known. */
export const useWords = (schedule: string, timezone: string): string | undefined =>
  useLazy(words, JSON.stringify([schedule, timezone]));

const strips = new Lazy<Execution[]>(
  async (id) => (await call("GET /jobs/{id}/executions", { path: { id }, query: { limit: 20 } })).executions,
  { atOnce: 4, kept: 1000, freshFor: 10_000 },
);

/** The last 20 executions of a job; undefined: not yet known. */
export const useStrip = (jobId: string): Execution[] | undefined => useLazy(strips, jobId);

const jobs = new Lazy<Job>((id) => call("GET /jobs/{id}", { path: { id } }), {
  atOnce: 4,
  kept: 1000,
  freshFor: 60_000,
});

/** A job of which one has the id; undefined: not yet known, or deleted. */
export const useJob = (id: string): Job | undefined => useLazy(jobs, id);

/** The name of a job by its id; undefined: not yet known, or there is none. */
export function useJobName(jobId: string): string | undefined {
  const job = useJob(jobId);
  return job && nameOf(job);
}

const acting = new Lazy<Acting | null>(
  async (key) => {
    const [jobId, anything] = JSON.parse(key) as [string, string];
    if (anything === "") return null;
    const query = { active: true, jobId };
    const { silences } = await call("GET /alerts/silences", { query });
    const { windows } = await call("GET /alerts/windows", { query });
    return actingOf(silences, windows);
  },
  { atOnce: 3, kept: 1000, freshFor: 10_000 },
);

/**
 * By what people are not told of the alerts of a job; null: they are told; undefined: not yet known. anything names all
 * that acts now: without it nobody is asked, and while it is the same the answer is kept for a while.
 */
export const useActing = (jobId: string, anything: string): Acting | null | undefined =>
  useLazy(acting, JSON.stringify([jobId, anything]));
