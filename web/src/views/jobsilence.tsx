// By what people are not told of the alerts of a job now, and the form of a silence about it.
import { type Acting, actingOf } from "../quiet.ts";
import { href } from "../router.ts";
import type { Job } from "../types.gen.ts";
import { Icon, Time } from "../ui/basics.tsx";
import { useApi } from "../use.ts";
import { EditSilence } from "./silenceform.tsx";

interface JobSilence {
  acting: Acting | null;
  /** Whether it was asked: what is shown later would push what is below it. */
  known: boolean;
  reload: () => void;
}

export function useJobSilence(jobId: string): JobSilence {
  const query = { active: true, jobId };
  const silences = useApi("GET /alerts/silences", { query }, { every: 10_000, keep: true });
  const windows = useApi("GET /alerts/windows", { query }, { every: 10_000, keep: true });
  const known = (asked: { data: unknown; error: unknown }): boolean => !!asked.data || !!asked.error;
  return {
    acting: actingOf(silences.data?.silences ?? [], windows.data?.windows ?? []),
    known: known(silences) && known(windows),
    reload: silences.reload,
  };
}

/** What somebody should know first: that nobody is told when the job fails. */
export function Silenced({ acting, job: j }: { acting: Acting | null; job: Job }) {
  if (!acting) return null;
  return (
    <div class="note warn">
      <Icon name="silence" /> <b>Silenced:</b> nobody is told of its alerts until{" "}
      <Time at={acting.until} jobZone={j.spec.timezone} line />. {acting.reason}, by {acting.by}.{" "}
      <a href={href("/alerts/silences", { jobId: j.id })}>Its silences</a>
    </div>
  );
}

/** The form of a silence about a job. */
export function SilenceJob({ job: j, onClose }: { job: Job; onClose: () => void }) {
  return <EditSilence id={undefined} match={{ jobs: [j.id] }} jobZone={j.spec.timezone} onClose={onClose} />;
}
