// The views: which paths there are, what shows them, and how one gets there. web/README.md says how to add one.
import type { ComponentType } from "preact";
import { JobView } from "./views/job.tsx";
import { Jobs } from "./views/jobs.tsx";
import { Overview } from "./views/overview.tsx";

export interface View {
  /** The path from /ui on, with :parameters. */
  path: string;
  /** The name of the view: in the title of the window and in the navigation. */
  title: string;
  component: ComponentType<{ params: Record<string, string> }>;
  /** With it the view is in the navigation; `g` and then the key goes there. */
  nav?: { key: string; icon: string };
}

export const views: View[] = [
  { path: "/", title: "Overview", component: Overview, nav: { key: "o", icon: "overview" } },
  { path: "/jobs", title: "Jobs", component: Jobs, nav: { key: "j", icon: "jobs" } },
  { path: "/jobs/:id", title: "Job", component: JobView },
];
