// The address of the page. Every view, filter and sort is in it, so that it can be sent to somebody.
//
// Addresses begin with /ui, below which the API has no path. `/` is the overview, too. A link is a plain <a href>; a
// click on one is taken by followLinks.
import { Store, useStore } from "./store.ts";

export const root = "/ui";

export interface Place {
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

const positions = new Map<string, number>();

const entryOf = (state: unknown): number => Number((state as { entry?: number } | null)?.entry ?? 0);

/** Which entry of the history is shown. The browser keeps it through a reload. */
let entry = typeof history === "undefined" ? 0 : entryOf(history.state);

/** Goes to an address. replace: in the place of the one that is shown, as the search does while one types. */
export function navigate(to: string, how: { replace?: boolean } = {}): void {
  const url = new URL(to, location.href);
  if (how.replace || url.href === location.href) history.replaceState({ entry }, "", url);
  else {
    positions.set(String(entry), scrollY);
    entry = Date.now();
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
  addEventListener("popstate", (e) => {
    positions.set(String(entry), scrollY);
    entry = entryOf(e.state);
    arrive();
    const y = positions.get(String(entry)) ?? 0;
    requestAnimationFrame(() => requestAnimationFrame(() => scrollTo(0, y)));
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

export const usePlace = (): Place => useStore(place);
