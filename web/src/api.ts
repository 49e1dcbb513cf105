// The one client of the API.
import { keepBodies } from "./json.ts";
import { Store } from "./store.ts";
import type { FieldProblem, Problem, Routes } from "./types.gen.ts";

export type Route = keyof Routes;
export type Answer<R extends Route> = Routes[R]["answer"];

export interface Call<R extends Route> {
  path?: Routes[R]["path"];
  query?: Routes[R]["query"];
  body?: Routes[R]["body"];
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** What the API refused, in its own words. */
export class ApiError extends Error {
  readonly status: number;
  readonly problem: Problem | undefined;

  constructor(status: number, problem: Problem | undefined) {
    super(wordsOf(status, problem));
    this.name = "ApiError";
    this.status = status;
    this.problem = problem;
  }

  /** What is wrong with a field, or with what is below it. */
  field(name: string): FieldProblem | undefined {
    return this.problem?.errors?.find(({ field }) => {
      return field === name || field.startsWith(`${name}.`) || field.startsWith(`${name}[`);
    });
  }
}

function wordsOf(status: number, p: Problem | undefined): string {
  if (!p) return `The server answered with the status ${status}.`;
  return p.detail ? `${p.title}. ${p.detail}` : p.title;
}

/** No answer came from the server. */
export class Unreachable extends Error {
  constructor() {
    super("The server does not answer.");
    this.name = "Unreachable";
  }
}

/** Since when the server has not answered; null: it does. */
export const outage = new Store<number | null>(null);

/** Counts how often an outage has ended: what is shown is asked for again then. */
export const recoveries = new Store(0);

/** Counts the answers 401: the page asks who one is then. */
export const refusals = new Store(0);

/** Counts what this page has changed on the server: answers from before may be old then. */
export const changes = new Store(0);

/** The routes whose last answer lacks what a server knows that has not answered the one that was asked. */
export const partial = new Store<ReadonlySet<string>>(new Set());

function notePartial(route: string, is: boolean): void {
  if (partial.value.has(route) === is) return;
  const routes = new Set(partial.value);
  if (is) routes.add(route);
  else routes.delete(route);
  partial.set(routes);
}

/** An id that nobody else has made. crypto.randomUUID is not there over plain HTTP from another host. */
export const newId = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

/** How much the server's clock is ahead of this one, in milliseconds, to the second. */
let ahead = 0;

/** The time of the server. */
export const serverNow = (): number => Date.now() + ahead;

/** The address of a call. */
export function urlOf(route: string, path: Record<string, string> = {}, query: object = {}): string {
  const url = route.slice(route.indexOf(" ") + 1).replace(/\{(\w+)\}/g, (_, name: string) => {
    return encodeURIComponent(path[name] ?? "");
  });
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query as Record<string, unknown>)) {
    if (value === undefined || value === null || value === "") continue;
    params.append(name, String(value)); // the values of a list have commas between them
  }
  const text = params.toString();
  return text ? `${url}?${text}` : url;
}

/** Makes a call, and returns the answer. It throws an ApiError, an Unreachable, or an AbortError. */
export async function call<R extends Route>(route: R, c: Call<R> = {}): Promise<Answer<R>> {
  const res = await send(route, c as Sent);
  const answer = (await answerOf(res)) as Answer<R>;
  if (!/^GET |\/(preview|test)$/.test(route)) changes.set(changes.value + 1);
  return answer;
}

/**
 * Reads an answer, or throws what the API refused as an ApiError. The body of a job is the JSON text that it has, as a
 * string.
 */
export async function answerOf(res: Response): Promise<unknown> {
  if (res.status === 204) return undefined;
  const json = /\bjson\b/.test(res.headers.get("Content-Type") ?? "");
  const text = await res.text();
  const answer: unknown = json ? JSON.parse(keepBodies(text)) : text;
  if (res.ok) return answer;
  if (res.status === 401) refusals.set(refusals.value + 1);
  throw new ApiError(res.status, json ? (answer as Problem) : undefined);
}

/** A call of any route. */
export interface Sent {
  path?: object | undefined;
  query?: object | undefined;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Makes a call, and returns the answer as it came. */
export async function send(route: string, c: Sent = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json", ...c.headers };
  let body: string | undefined;
  if (c.body !== undefined) {
    headers["Content-Type"] ??= "application/json";
    body = typeof c.body === "string" ? c.body : JSON.stringify(c.body);
  }
  const method = route.slice(0, route.indexOf(" "));
  const asked = Date.now();
  let res: Response;
  try {
    res = await fetch(urlOf(route, c.path as Record<string, string>, c.query), {
      method,
      headers,
      body: body ?? null,
      signal: c.signal ?? null,
      credentials: "same-origin",
      cache: "no-store",
    });
  } catch (err) {
    if (c.signal?.aborted) throw err;
    lost();
    throw new Unreachable();
  }
  if ((res.status === 502 || res.status === 504) && !res.headers.get("X-Request-Id")) {
    lost(); // a proxy answers for a server that does not
    throw new Unreachable();
  }
  noteClock(res, asked);
  notePartial(route, res.headers.get("Belfry-Live") === "partial");
  return res;
}

function noteClock(res: Response, asked: number): void {
  const date = Date.parse(res.headers.get("Date") ?? "");
  if (Number.isNaN(date) || Date.now() - asked > 2000) return; // a slow answer says nothing of the clock
  const difference = date + 500 - (asked + Date.now()) / 2;
  ahead = Math.abs(difference) > 2000 ? Math.round(difference / 1000) * 1000 : 0;
}

/** Begins an outage, if none has begun: asks whether the server is back, until it is. */
function lost(): void {
  if (outage.value !== null) return;
  outage.set(serverNow());
  const ask = async (): Promise<void> => {
    try {
      const res = await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(5000) });
      if (res.ok) {
        outage.set(null);
        recoveries.set(recoveries.value + 1);
        return;
      }
    } catch {
      // still away
    }
    setTimeout(() => void ask(), 1000);
  };
  setTimeout(() => void ask(), 500);
}

export const isAbort = (err: unknown): boolean => err instanceof DOMException && err.name === "AbortError";
