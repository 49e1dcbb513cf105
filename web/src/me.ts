// Who one is to the server, and what one may do there. The key of a sign-in is kept nowhere.
import { ApiError, call, outage, recoveries, refusals, send } from "./api.ts";
import { Store, useStore } from "./store.ts";
import type { Me, Problem } from "./types.gen.ts";

export type Role = Me["role"];

/** Who one is; null: somebody who has to sign in; undefined: nobody has asked yet. */
export const me = new Store<Me | null | undefined>(undefined);

/** How one signs in, as the server has said it; undefined: it has not been asked yet. */
export const ways = new Store<Me["signIn"] | undefined>(undefined);

/** Why nobody may come in, with or without a key. */
export const closed = new Store<Error | undefined>(undefined);

const order: Role[] = ["viewer", "editor", "admin"];

/** Whether somebody may do what takes a role. The server decides; this is what is offered. */
export function may(who: Me | null | undefined, role: Role): boolean {
  return !!who && order.indexOf(who.role) >= order.indexOf(role);
}

/** What takes a role, or is about all namespaces. */
interface Guarded {
  role?: Role;
  all?: true;
}

/** Why somebody is not offered something; undefined: they are. */
export function whyNot(what: Guarded, who: Me): string | undefined {
  const role = what.role ?? "viewer";
  if (!may(who, role)) return `This page is for the role ${role}, and yours is ${who.role}.`;
  if (what.all && who.namespaces?.length) return "This page is about all namespaces, and your key sees only some.";
  return undefined;
}

/** Whether somebody is offered something. */
export const offered = (what: Guarded, who: Me | null | undefined): boolean => !!who && whyNot(what, who) === undefined;

export const useMay = (role: Role): boolean => may(useStore(me), role);

/** Whether two answers are not about the same caller with the same rights. */
export function isOther(a: Me, b: Me): boolean {
  const who = ({ kind, keyId, subject, name, role, namespaces }: Me): string =>
    JSON.stringify([kind, keyId, subject, name, role, namespaces]);
  return who(a) !== who(b);
}

/** Whom this page was shown to. */
let shownTo: Me | undefined;

/** Asks who one is. What the page keeps is not for somebody else, as after a sign-in in another tab: anew loads it anew. */
export async function askMe(anew = (): void => location.reload()): Promise<void> {
  let res: Response;
  try {
    res = await send("GET /me");
  } catch {
    return; // the outage is shown, and its end asks again
  }
  const json = /\bjson\b/.test(res.headers.get("Content-Type") ?? "");
  const problem = res.ok || !json ? undefined : ((await res.json()) as Problem);
  if (res.ok) {
    const who = (await res.json()) as Me;
    if (shownTo && isOther(shownTo, who)) return anew();
    shownTo = who;
    asksAgain(false);
    me.set(who);
  } else if (res.status === 401) {
    ways.set(problem?.signIn);
    me.set(null);
  } else {
    closed.set(new ApiError(res.status, problem));
    return;
  }
  closed.set(undefined);
}

/** Asks now, after each refusal and after each outage; of a session, while it is seen, also whether it goes on. */
export function followMe(): void {
  void askMe();
  setInterval(() => {
    if (me.value?.kind === "session" && !document.hidden && outage.value === null) void askMe();
  }, 5000);
  document.addEventListener("visibilitychange", () => {
    if (me.value === null && !document.hidden) void askMe(); // somebody may have signed in, in another tab
  });
  addEventListener("pageshow", (e) => e.persisted && location.reload()); // the browser has kept the page, maybe past a sign-out
  refusals.subscribe(() => void askMe());
  recoveries.subscribe(() => void askMe());
}

/** Begins a session. The page is to be loaded anew then: what it keeps may be of who was there before. */
export async function signIn(key: string): Promise<void> {
  await call("POST /session", { body: { key } });
}

/** Ends the session, and loads the page anew: what was shown is not for who comes next. */
export async function signOut(): Promise<void> {
  try {
    await call("DELETE /session");
  } catch (err) {
    if (!(err instanceof ApiError) || err.status !== 401) throw err; // it has ended already
  }
  asksAgain(true);
  location.assign("/ui");
}

const AGAIN = "belfry.again";

/** Keeps, for this tab, whether the next sign-in is for the provider to ask who it is: it may know somebody still. */
export function asksAgain(yes: boolean): void {
  try {
    if (yes) sessionStorage.setItem(AGAIN, "true");
    else sessionStorage.removeItem(AGAIN);
  } catch {
    // the browser keeps nothing: the provider asks if it likes
  }
}

/** Whether the provider is to ask who it is. */
export function willAskAgain(): boolean {
  try {
    return sessionStorage.getItem(AGAIN) === "true";
  } catch {
    return false;
  }
}

/** Where the button of a provider leads, to come back to an address of the page; only to one that the server takes. */
export function providerUrl(url: string, here: string, again = false): string {
  const params = new URLSearchParams();
  if (here.startsWith("/ui") && here.length <= 1000) params.set("to", here);
  if (again) params.set("again", "true");
  return params.size > 0 ? `${url}?${params}` : url;
}

/** The parameter by which the server says why a sign-in by a provider was refused. */
export const SIGN_IN_ERROR = "signInError";

const reasons: Record<string, string> = {
  expired: "The sign-in has taken too long, or was begun in another browser. Begin again.",
  foreign: "The answer of the provider belongs to another sign-in. Begin again.",
  denied: "The provider has not let you in.",
  unavailable: "The provider does not answer. Try again later, or sign in with an API key.",
  untrusted: "What the provider says about you does not hold. The log of the server says why.",
  "not-granted": "The provider knows you, but nothing is granted to you here. Ask an admin of this server.",
  "too-many": "Too many sign-ins of late. Try again in some minutes.",
  busy: "Too many people sign in at a time. Try again in a moment.",
};

/** Whether somebody else has to come: the provider knows who it was, and they may do nothing here. */
export const needsAnother = (search: string): boolean =>
  new URLSearchParams(search).get(SIGN_IN_ERROR) === "not-granted";

/** Why a sign-in by a provider was refused, by the address that the server has sent the browser to. */
export function providerRefusal(search: string): string | undefined {
  const reason = new URLSearchParams(search).get(SIGN_IN_ERROR);
  return reason === null ? undefined : (reasons[reason] ?? "The sign-in was refused.");
}

/** What a refusal of a sign-in says to people. */
export function refusalText(status: number, problem: Problem | undefined): string {
  if (status === 401) return "This key opens nothing here.";
  return problem?.detail ?? problem?.title ?? `The server answered with the status ${status}.`;
}
