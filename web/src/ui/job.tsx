// The job of a row, by its id.
import { useJob, useJobName } from "../lazy.ts";
import { href } from "../router.ts";

/** A link to a job: its name as soon as it is known, its id before. */
export function JobLink({ id }: { id: string }) {
  const name = useJobName(id);
  return (
    <a class="strong" href={href(`/jobs/${id}`)} title={id}>
      {name ?? <code>{id}</code>}
    </a>
  );
}

/** The zone of a job; undefined: not yet known. */
export const useJobZone = (id: string): string | undefined => useJob(id)?.spec.timezone;
