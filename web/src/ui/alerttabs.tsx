// The views about alerts, by which one gets from one to another.
import { href, usePlace } from "../router.ts";

const tabs: [path: string, title: string][] = [
  ["/alerts", "Alerts"],
  ["/alerts/rules", "Rules"],
  ["/alerts/silences", "Silences"],
  ["/alerts/channels", "Channels"],
];

export function AlertTabs() {
  const { path } = usePlace();
  return (
    <div class="tabs" role="navigation" aria-label="Views about alerts">
      <ul>
        {tabs.map(([to, title]) => (
          <li key={to}>
            <a href={href(to)} aria-current={path === to ? "page" : undefined}>
              {title}
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}
