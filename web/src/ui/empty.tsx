// The place of a list without rows.
import type { ComponentChildren } from "preact";
import { useMay } from "../me.ts";
import { href } from "../router.ts";
import { useApi } from "../use.ts";

/** What is said of no rows, and, where there are no jobs at all, what to do first. */
export function Empty({ children }: { children: ComponentChildren }) {
  return (
    <>
      <p>{children}</p>
      <FirstJob />
    </>
  );
}

/** The way to the first job; nothing where there are jobs. */
export function FirstJob() {
  const jobs = useApi("GET /jobs", { query: { limit: 1 } }).data?.jobs;
  const edits = useMay("editor");
  if (jobs?.length !== 0) return null;
  return (
    <p>
      There are no jobs yet. A job is a URL and when to call it:{" "}
      {edits ? (
        <>
          <a href={href("/jobs/new")}>make the first one</a>, or import some by <code>belfry import</code>.
        </>
      ) : (
        <>
          an editor makes one here, or by <code>POST /jobs</code> of <a href="/docs">the API</a>.
        </>
      )}
    </p>
  );
}
