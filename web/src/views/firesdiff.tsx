// Which fires of the next 30 days a change of a job would make, and which it would end.
import { count, plural } from "../format.ts";
import type { ChangedFires, Instant } from "../types.gen.ts";
import { Time } from "../ui/basics.tsx";

export function FiresDiff({ fires: f, jobZone }: { fires: ChangedFires; jobZone: string }) {
  const days = Math.max(1, Math.round((f.to - f.from) / 86_400_000));
  return (
    <section class="firesdiff" aria-label="Fires that would change">
      <p aria-live="polite">
        {f.gainedCount === 0 && f.lostCount === 0
          ? `No fire of the next ${plural(days, "day")} changes.`
          : `Of the next ${plural(days, "day")}: ${plural(f.gainedCount, "fire")} gained, ${plural(f.lostCount, "fire")} lost.`}
        {f.truncated && " There are too many fires to compare more."}
      </p>
      {(f.gainedCount > 0 || f.lostCount > 0) && (
        <div class="columns narrow">
          <Fires title="Gained" all={f.gained} total={f.gainedCount} jobZone={jobZone} />
          <Fires title="Lost" all={f.lost} total={f.lostCount} jobZone={jobZone} />
        </div>
      )}
    </section>
  );
}

function Fires(props: { title: string; all: Instant[]; total: number; jobZone: string }) {
  if (props.total === 0) return null;
  return (
    <div class={`fires ${props.title.toLowerCase()}`}>
      <h3>
        {props.title}: {count(props.total)}
      </h3>
      <ol class="scroll short" tabIndex={0} aria-label={props.title}>
        {props.all.map((i) => (
          <li key={i.at}>
            <Time at={i.at} jobZone={props.jobZone} line />
          </li>
        ))}
        {props.total > props.all.length && <li class="muted">and {count(props.total - props.all.length)} more</li>}
      </ol>
    </div>
  );
}
