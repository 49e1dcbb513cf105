// What is around every view: the navigation, the search, the settings of the page, and what is wrong with the server.
import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { outage } from "./api.ts";
import { duration } from "./format.ts";
import { Keys, takesText } from "./keys.ts";
import { me } from "./me.ts";
import { href, leave, navigate, setQuery, usePlace, visits } from "./router.ts";
import { nextTheme, now, shortcuts, theme, zone } from "./settings.ts";
import { Account } from "./signin.tsx";
import { useStore } from "./store.ts";
import { viewerZone, type ZoneChoice } from "./time.ts";
import { Icon } from "./ui/basics.tsx";
import { Dialog, Messages } from "./ui/dialog.tsx";
import type { View } from "./views.ts";

export function Frame({
  views,
  view,
  children,
}: {
  views: View[];
  view: View | undefined;
  children: ComponentChildren;
}) {
  const [help, setHelp] = useState(false);
  const [open, setOpen] = useState(false);
  const search = useRef<HTMLInputElement>(null);
  const visit = useStore(visits);
  const known = useStore(me) !== undefined; // before that the list of views is empty
  useKeys(views, search, () => setHelp(true));

  useEffect(() => {
    setOpen(false);
    if (visit > 0) document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
  }, [visit]);

  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <header class="top">
        <button
          type="button"
          class="quiet menu"
          aria-expanded={open}
          aria-controls="nav"
          onClick={() => setOpen(!open)}
        >
          <Icon name="menu" /> <span class="hidden">Menu</span>
        </button>
        <a class="brand" href={href("/")}>
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <path d="M16 3a2 2 0 0 0-2 2v1.3C9.9 7.2 7 10.8 7 15v6l-3 4v1h24v-1l-3-4v-6c0-4.2-2.900-7.8-7-8.7V5a2 2 0 0 0-2-2zm-3.5 24a3.5 3.5 0 0 0 7 0z" />
          </svg>
          Belfry
        </a>
        <Search input={search} />
        <ZonePicker />
        <ThemeSwitch />
        <Account />
        <button type="button" class="quiet keys" onClick={() => setHelp(true)} aria-label="Keyboard shortcuts">
          ?
        </button>
      </header>
      <nav id="nav" aria-label="Views" class={open ? "open" : ""}>
        <ul>
          {views.map(
            (v) =>
              v.nav && (
                <li key={v.path}>
                  <a href={href(v.path)} aria-current={v === view ? "page" : isBelow(view, v) ? "true" : undefined}>
                    <Icon name={v.nav.icon} /> {v.title}
                  </a>
                </li>
              ),
          )}
        </ul>
        {known && (
          <p>
            <a href="/docs">API reference</a>
          </p>
        )}
      </nav>
      <Outage />
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <Messages />
      <Leaving />
      {help && <Help views={views} onClose={() => setHelp(false)} />}
    </>
  );
}

/** Whether a view belongs to one of the navigation: that of a job to the jobs. */
const isBelow = (view: View | undefined, of: View): boolean =>
  of.path !== "/" && view !== undefined && view.path.startsWith(`${of.path}/`);

function skip(e: Event): void {
  e.preventDefault();
  document.getElementById("main")?.focus();
}

function useKeys(views: View[], search: { current: HTMLInputElement | null }, help: () => void): void {
  const latest = useRef({ views, help });
  latest.current = { views, help };
  useEffect(() => {
    const keys = new Keys();
    const press = (e: KeyboardEvent): void => {
      if (shortcuts.value === "off") return;
      const typing = takesText(document.activeElement) || document.querySelector("dialog[open]") !== null;
      const asked = keys.press(e.key, e.timeStamp, typing, e.ctrlKey || e.metaKey || e.altKey);
      if (asked.kind === "search") {
        e.preventDefault();
        search.current?.focus();
        search.current?.select();
      } else if (asked.kind === "help") latest.current.help();
      else if (asked.kind === "go") {
        const to = latest.current.views.find((v) => v.nav?.key === asked.key);
        if (to) navigate(href(to.path));
      }
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [search]);
}

/** Searches jobs: as one types in the list of jobs, with Enter elsewhere. */
function Search({ input }: { input: RefObject<HTMLInputElement | null> }) {
  const here = usePlace();
  const inList = here.path === "/jobs";
  const text = inList ? (here.query.get("text") ?? "") : "";
  const [typed, setTyped] = useState(text);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const sent = useRef(text); // what is in the address because of what was typed
  useEffect(() => {
    if (text === sent.current) return;
    sent.current = text;
    setTyped(text);
  }, [text]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was typed in the list is not for another view
  useEffect(() => () => clearTimeout(timer.current), [inList]);
  const send = (value: string, replace: boolean): void => {
    sent.current = value.trim();
    if (inList) setQuery({ text: sent.current }, { replace });
    else navigate(href("/jobs", { text: sent.current }));
  };
  const type = (value: string): void => {
    setTyped(value);
    clearTimeout(timer.current);
    if (inList) timer.current = setTimeout(() => send(value, true), 200);
  };
  return (
    <form
      class="search"
      role="search"
      onSubmit={(e) => {
        e.preventDefault();
        clearTimeout(timer.current);
        send(typed, inList);
      }}
    >
      <label class="hidden" for="search">
        Search jobs by name, URL or id
      </label>
      <Icon name="search" />
      <input
        ref={input}
        id="search"
        type="search"
        placeholder="Search jobs"
        autocomplete="off"
        spellcheck={false}
        maxLength={200}
        value={typed}
        onInput={(e) => type(e.currentTarget.value)}
      />
      <kbd aria-hidden="true">/</kbd>
    </form>
  );
}

function ZonePicker() {
  const choice = useStore(zone);
  const own = viewerZone();
  return (
    <label class="zone">
      <span class="hidden">Times are shown in</span>
      <select
        value={choice}
        onChange={(e) => zone.set(e.currentTarget.value as ZoneChoice)}
        title="In which zone times are shown"
      >
        <option value="job">Job’s zone</option>
        <option value="viewer">{own === "UTC" ? "Your zone (UTC)" : own}</option>
        <option value="utc">UTC</option>
      </select>
    </label>
  );
}

function ThemeSwitch() {
  const t = useStore(theme);
  return (
    <button
      type="button"
      class="quiet"
      aria-label={`Colours: ${t}`}
      title={`Colours: ${t}`}
      onClick={() => theme.set(nextTheme(t))}
    >
      <Icon name={t} />
    </button>
  );
}

/** Asks before something that was typed is lost. */
function Leaving() {
  const way = useStore(leave);
  if (!way) return null;
  const stay = (): void => leave.set(null);
  return (
    <Dialog title="Leave without saving?" onClose={stay}>
      <p>What you have typed here is not saved, and is lost when you leave.</p>
      <div class="actions end">
        <button type="button" onClick={stay}>
          Stay
        </button>
        <button type="button" class="danger" onClick={way.go}>
          Leave
        </button>
      </div>
    </Dialog>
  );
}

/** Says that the server does not answer. It goes away by itself. */
function Outage() {
  const since = useStore(outage);
  const current = useStore(now);
  return (
    <div class="outage" role="status" aria-live="assertive" hidden={since === null}>
      {since !== null && (
        <>
          <strong>The server does not answer.</strong>{" "}
          <span aria-hidden="true">For {duration(Math.max(0, Math.round((current - since) / 1000) * 1000))}. </span>
          What is shown may be old. The page goes on by itself.
        </>
      )}
    </div>
  );
}

function Help({ views, onClose }: { views: View[]; onClose: () => void }) {
  const go = views.filter((v) => v.nav);
  const on = useStore(shortcuts) === "on";
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <label>
        <input type="checkbox" checked={on} onChange={(e) => shortcuts.set(e.currentTarget.checked ? "on" : "off")} />
        Use the keys of this list, except Esc and Tab
      </label>
      <dl class="keylist">
        <Key keys={["/"]} text="Search jobs" />
        <Key keys={["?"]} text="Show this list" />
        <Key keys={["Tab"]} text="Go to the next link, button or field" />
        <Key keys={["Esc"]} text="Close a dialog" />
        {go.map((v) => (
          <Key key={v.path} keys={["g", v.nav?.key ?? ""]} text={`Go to ${v.title}`} />
        ))}
      </dl>
    </Dialog>
  );
}

function Key({ keys, text }: { keys: string[]; text: string }) {
  return (
    <div>
      <dt>
        {keys.map((k, i) => (
          <span key={k}>
            {i > 0 && " then "}
            <kbd>{k}</kbd>
          </span>
        ))}
      </dt>
      <dd>{text}</dd>
    </div>
  );
}
