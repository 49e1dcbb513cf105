// By what people are not told of the alerts of a job now, and the form of a silence about it.
import { actingOf } from "../quiet.ts";
import { href } from "../router.ts";
import type { Job } from "../types.gen.ts";
import { Icon, Time } from "../ui/basics.tsx";
import { useApi } from "../use.ts";
import { EditSilence } from "./silenceform.tsx";

export function SilencedJob({ job: j, silencing, onClose }: { job: Job; silencing: boolean; onClose: () => void }) {
  const query = { active: true, jobId: j.id };
  const silences = useApi("GET /alerts/silences", { query }, { every: 10_000, keep: true });
  const windows = useApi("GET /alerts/windows", { query }, { every: 10_000, keep: true });
  const acting = actingOf(silences.data?.silences ?? [], windows.data?.windows ?? []);
  const zone = j.spec.timezone;
  return (
    <>
      {acting && (
        <div class="note warn">
          <Icon name="silence" /> <b>Silenced:</b> nobody is told of its alerts until{" "}
          <Time at={acting.until} jobZone={zone} line />. {acting.reason}, by {acting.by}.{" "}
          <a href={href("/alerts/silences", { jobId: j.id })}>Its silences</a>
        </div>
      )}
      {silencing && (
        <EditSilence
          id={undefined}
          match={{ jobs: [j.id] }}
          jobZone={zone}
          onClose={() => {
            onClose();
            silences.reload();
          }}
        />
      )}
    </>
  );
}
