// What whoever looks has chosen. It is kept in this browser; none of it is a secret.
import { Store } from "./store.ts";
import type { ZoneChoice } from "./time.ts";

type Theme = "system" | "light" | "dark";

const themes: Theme[] = ["system", "light", "dark"];
const zones: ZoneChoice[] = ["job", "viewer", "utc"];

function read<T extends string>(name: string, all: T[], otherwise: T): T {
  try {
    const value = localStorage.getItem(`belfry.${name}`) as T;
    return all.includes(value) ? value : otherwise;
  } catch {
    return otherwise; // the browser keeps nothing
  }
}

function keep(name: string, value: string): void {
  try {
    localStorage.setItem(`belfry.${name}`, value);
  } catch {
    // the choice holds until the page is closed
  }
}

export const theme = new Store<Theme>(read("theme", themes, "system"));
export const zone = new Store<ZoneChoice>(read("zone", zones, "job"));

/** Whether letters without Ctrl or Alt are shortcuts. Who speaks to the computer types them by accident. */
export const shortcuts = new Store<"on" | "off">(read("shortcuts", ["on", "off"], "on"));

export function nextTheme(t: Theme): Theme {
  return themes[(themes.indexOf(t) + 1) % themes.length] ?? "system";
}

export function applySettings(): void {
  const apply = (): void => {
    if (theme.value === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme.value;
  };
  apply();
  theme.subscribe(() => {
    keep("theme", theme.value);
    apply();
  });
  zone.subscribe(() => keep("zone", zone.value));
  shortcuts.subscribe(() => keep("shortcuts", shortcuts.value));
}

/** The time, once a second while somebody looks. */
export const now = new Store(Date.now());
