// The views about alerts, by which one gets from one to another.
import { me, offered } from "../me.ts";
import { href, usePlace } from "../router.ts";
import { useStore } from "../store.ts";

interface Tab {
  path: string;
  title: string;
  /** It is about all namespaces: a key of one is not offered it. */
  all?: true;
}

const tabs: Tab[] = [
  { path: "/alerts", title: "Alerts" },
  { path: "/alerts/groups", title: "Groups", all: true },
  { path: "/alerts/notifications", title: "Notifications", all: true },
  { path: "/alerts/rules", title: "Rules" },
  { path: "/alerts/silences", title: "Silences" },
  { path: "/alerts/channels", title: "Channels" },
];

export function AlertTabs() {
  const { path } = usePlace();
  const who = useStore(me);
  return (
    <div class="tabs" role="navigation" aria-label="Views about alerts">
      <ul>
        {tabs
          .filter((t) => offered(t, who))
          .map((t) => (
            <li key={t.path}>
              <a href={href(t.path)} aria-current={path === t.path ? "page" : undefined}>
                {t.title}
              </a>
            </li>
          ))}
      </ul>
    </div>
  );
}
