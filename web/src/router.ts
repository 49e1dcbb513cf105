// The address of the page. Every view, filter and sort is in it, so that it can be sent to somebody.
//
// Addresses begin with /ui, below which the API has no path. `/` is the overview, too. A link is a plain <a href>; a
// click on one is taken by followLinks.
import { Store, useStore } from "./store.ts";

const root = "/ui";

interface Place {
  /** The path from /ui on: "/jobs/x"; "/" is the overview. */
  path: string;
  query: URLSearchParams;
}

export type Query = Record<string, string | number | boolean | null | undefined>;

/** The place of a path and a query as the browser has them. */
export function placeOf(pathname: string, search: string): Place {
  let path = pathname === root || pathname.startsWith(`${root}/`) ? pathname.slice(root.length) : pathname;
  path = `/${path.split("/").filter(Boolean).join("/")}`;
  return { path, query: new URLSearchParams(search) };
}

/** The address of a path with a query; what is empty, null or undefined is no part of it. */
export function href(path: string, query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") params.set(name, String(value));
  }
  const text = params.toString();
  return `${root}${path === "/" ? "/" : path}${text ? `?${text}` : ""}`;
}

/** The parameters of a path that a pattern like "/jobs/:id" matches; null: it does not. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const want = pattern.split("/");
  const have = path.split("/");
  if (want.length !== have.length) return null;
  const params: Record<string, string> = {};
  for (const [i, part] of want.entries()) {
    const is = have[i] ?? "";
    if (part.startsWith(":")) {
      if (!is) return null;
      try {
        params[part.slice(1)] = decodeURIComponent(is);
      } catch {
        return null;
      }
    } else if (part !== is) return null;
  }
  return params;
}

/** Where the page is. */
export const place = new Store<Place>(
  typeof location === "undefined" ? placeOf("/", "") : placeOf(location.pathname, location.search),
);

/** How often the page went to another view; not: to another filter of the same one. */
export const visits = new Store(0);

const positions = new Map<number, number>();

const entryOf = (state: unknown): number => Number((state as { entry?: number } | null)?.entry ?? 0);

/** Which entry of the history is shown, by its place there. The browser keeps it through a reload. */
let entry = typeof history === "undefined" ? 0 : entryOf(history.state);

/** A way out of a view in which something is typed. */
export interface Leave {
  go: () => void;
}

/** The way that waits for the answer to a question; null: nothing is asked. */
export const leave = new Store<Leave | null>(null);

let unsaved: () => boolean = () => false;

/** Asks before another view takes the place of this one, while something would be lost; until what is returned is called. */
export function guardLeaving(lost: () => boolean): () => void {
  unsaved = lost;
  return () => {
    if (unsaved === lost) unsaved = () => false;
  };
}

/** Whether somebody has to be asked first: then go is what they are asked about. */
function asked(to: URL, go: () => void): boolean {
  if (placeOf(to.pathname, to.search).path === place.value.path || !unsaved()) return false;
  leave.set({
    go: () => {
      unsaved = () => false;
      leave.set(null);
      go();
    },
  });
  return true;
}

/** Goes to an address. replace: in the place of the one that is shown, as the search does while one types. */
export function navigate(to: string, how: { replace?: boolean } = {}): void {
  const url = new URL(to, location.href);
  if (asked(url, () => navigate(to, how))) return;
  if (how.replace || url.href === location.href) history.replaceState({ entry }, "", url);
  else {
    positions.set(entry, scrollY);
    entry++;
    history.pushState({ entry }, "", url);
  }
  arrive();
}

/** Changes parts of the query, and stays in the view. The browser's way back undoes it, unless it is replaced. */
export function setQuery(changes: Query, how: { replace?: boolean } = {}): void {
  const query = Object.fromEntries(place.value.query);
  navigate(href(place.value.path, { ...query, ...changes }), how);
}

function arrive(): void {
  const before = place.value.path;
  place.set(placeOf(location.pathname, location.search));
  if (place.value.path !== before) {
    visits.set(visits.value + 1);
    scrollTo(0, 0);
  }
}

/** Takes clicks on links of the page, and the browser's back and forward. */
export function followLinks(): void {
  history.scrollRestoration = "manual";
  let undone = false;
  addEventListener("popstate", (e) => {
    if (undone) {
      undone = false; // the browser is back at the entry that is shown
      return;
    }
    const by = entryOf(e.state) - entry;
    if (by !== 0 && asked(new URL(location.href), () => history.go(by))) {
      undone = true;
      history.go(-by);
      return;
    }
    positions.set(entry, scrollY);
    entry = entryOf(e.state);
    arrive();
    restore(positions.get(entry) ?? 0);
  });
  document.addEventListener("click", (e) => {
    const link = (e.target as Element | null)?.closest?.("a");
    if (!link || e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    if (link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (link.pathname !== root && !link.pathname.startsWith(`${root}/`)) return;
    e.preventDefault();
    navigate(link.href);
  });
}

/** What is loaded within this time moves a view to where it was. */
const restoredWithin = 5000;

/** Scrolls to where a view was left: as soon as it is high enough again, unless somebody has scrolled meanwhile. */
function restore(y: number): void {
  const control = new AbortController();
  const { signal } = control;
  const look = (): void => {
    if (signal.aborted) return;
    scrollTo(0, y);
    if (Math.abs(scrollY - y) < 2) control.abort();
  };
  requestAnimationFrame(() => requestAnimationFrame(look));
  if (y === 0) return;
  const watch = new ResizeObserver(look);
  watch.observe(document.body);
  for (const by of ["wheel", "touchmove", "keydown", "pointerdown"]) {
    addEventListener(by, () => control.abort(), { signal, passive: true });
  }
  const timer = setTimeout(() => control.abort(), restoredWithin);
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    watch.disconnect();
  });
}

export const usePlace = (): Place => useStore(place);
