// The views: which paths there are, what shows them, and how one gets there. web/README.md says how to add one.
import type { ComponentType } from "preact";
import type { Role } from "./me.ts";
import { Alerts } from "./views/alerts.tsx";
import { Changes } from "./views/changes.tsx";
import { Channels } from "./views/channels.tsx";
import { ClusterView } from "./views/cluster.tsx";
import { ExecutionView } from "./views/execution.tsx";
import { Failed } from "./views/failed.tsx";
import { Groups } from "./views/groups.tsx";
import { Hosts } from "./views/hosts.tsx";
import { Forecast } from "./views/forecast.tsx";
import { JobView } from "./views/job.tsx";
import { EditJob, NewJob } from "./views/jobform.tsx";
import { Jobs } from "./views/jobs.tsx";
import { Keys } from "./views/keys.tsx";
import { Notifications } from "./views/notifications.tsx";
import { Operations } from "./views/operations.tsx";
import { Overview } from "./views/overview.tsx";
import { Proof } from "./views/proof.tsx";
import { Rules } from "./views/rules.tsx";
import { RunningNow } from "./views/running.tsx";
import { Silences } from "./views/silences.tsx";
import { Settings } from "./views/settings.tsx";

export interface View {
  /** The path from /ui on, with :parameters. */
  path: string;
  /** The name of the view: in the title of the window and in the navigation. */
  title: string;
  component: ComponentType<{ params: Record<string, string> }>;
  /** With it the view is in the navigation; `g` and then the key goes there. */
  nav?: { key: string; icon: string };
  /** Who is weaker is not offered the view; absent: everybody is. */
  role?: Role;
  /** It is about all namespaces: a key of one is not offered it. */
  all?: true;
}

export const views: View[] = [
  { path: "/", title: "Overview", component: Overview, nav: { key: "o", icon: "overview" } },
  { path: "/jobs", title: "Jobs", component: Jobs, nav: { key: "j", icon: "jobs" } },
  { path: "/jobs/new", title: "New job", component: NewJob, role: "editor" },
  { path: "/jobs/:id", title: "Job", component: JobView },
  { path: "/jobs/:id/edit", title: "Edit a job", component: EditJob, role: "editor" },
  { path: "/running", title: "Running now", component: RunningNow, nav: { key: "r", icon: "running" } },
  { path: "/failed", title: "Failed", component: Failed, nav: { key: "f", icon: "failed" } },
  { path: "/alerts", title: "Alerts", component: Alerts, nav: { key: "a", icon: "alerts" } },
  { path: "/alerts/groups", title: "Groups", component: Groups, all: true },
  { path: "/alerts/notifications", title: "Notifications", component: Notifications, all: true },
  { path: "/alerts/rules", title: "Rules", component: Rules },
  { path: "/alerts/silences", title: "Silences", component: Silences },
  { path: "/alerts/channels", title: "Channels", component: Channels },
  { path: "/forecast", title: "Forecast", component: Forecast, nav: { key: "d", icon: "forecast" } },
  { path: "/executions/:id", title: "Execution", component: ExecutionView },
  { path: "/proof", title: "Proof", component: Proof, nav: { key: "p", icon: "proof" }, all: true },
  { path: "/hosts", title: "Hosts", component: Hosts, nav: { key: "h", icon: "hosts" }, all: true },
  { path: "/cluster", title: "Cluster", component: ClusterView, nav: { key: "c", icon: "cluster" }, all: true },
  {
    path: "/operations",
    title: "Operations",
    component: Operations,
    nav: { key: "b", icon: "operations" },
    role: "editor",
  },
  { path: "/changes", title: "Changes", component: Changes, nav: { key: "l", icon: "changes" }, role: "admin" },
  { path: "/keys", title: "Keys", component: Keys, nav: { key: "k", icon: "keys" }, role: "admin" },
  { path: "/settings", title: "Settings", component: Settings, nav: { key: "s", icon: "settings" }, role: "admin" },
];
