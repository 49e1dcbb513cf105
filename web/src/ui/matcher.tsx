// Which jobs a rule, a silence or a maintenance window is about: shown, and chosen in a form.
import { useState } from "preact/hooks";
import { isEveryJob } from "../alerting.ts";
import { useJobName } from "../lazy.ts";
import { href } from "../router.ts";
import type { Matcher } from "../types.gen.ts";
import { useApi, useQuiet } from "../use.ts";
import { nameOf } from "../words.ts";
import { FieldError } from "./basics.tsx";
import { Group, Text } from "./fields.tsx";
import { JobLink } from "./job.tsx";

const shownJobs = 3;

/** Which jobs something is about. namespace: the only one that it is about. */
export function Matches({ match: m, namespace }: { match: Matcher; namespace?: string | undefined }) {
  const ns = m.namespace ?? namespace;
  if (isEveryJob(m) && !ns) return <span>all jobs</span>;
  const jobs = m.jobs ?? [];
  return (
    <ul class="match">
      {ns && (
        <li>
          namespace{" "}
          <a class="tag link" href={href("/jobs", { namespace: ns })}>
            {ns}
          </a>
        </li>
      )}
      {m.tag && (
        <li>
          tag{" "}
          <a class="tag link" href={href("/jobs", { tag: m.tag })}>
            {m.tag}
          </a>
        </li>
      )}
      {m.host && (
        <li>
          host{" "}
          <a class="tag link" href={href("/jobs", { host: m.host })}>
            {m.host}
          </a>
        </li>
      )}
      {jobs.slice(0, shownJobs).map((id) => (
        <li key={id}>
          job <JobLink id={id} />
        </li>
      ))}
      {jobs.length > shownJobs && <li class="muted">and {jobs.length - shownJobs} jobs more</li>}
    </ul>
  );
}

/** The fields by which a form says which jobs it is about. */
export function MatcherFields({ match: m, error }: { match: Matcher | undefined; error: Error | undefined }) {
  return (
    <Group title="Which jobs; all if nothing is said">
      <div class="columns short-fields">
        <Text name="match.namespace" label="Namespace" value={m?.namespace} error={error} />
        <Text name="match.tag" label="Tag" value={m?.tag} error={error} />
        <Text name="match.host" label="Host, as in a URL" value={m?.host} error={error} />
      </div>
      <Jobs chosen={m?.jobs ?? []} error={error} />
    </Group>
  );
}

/** Some jobs, found by a search. */
function Jobs({ chosen, error }: { chosen: string[]; error: Error | undefined }) {
  const [ids, setIds] = useState(chosen);
  const [text, setText] = useState("");
  const asked = useQuiet(text.trim(), 250);
  const found = useApi("GET /jobs", { query: { text: asked, limit: 6 } }, { off: asked === "", keep: true });
  const others = asked === "" ? [] : (found.data?.jobs ?? []).filter((j) => !ids.includes(j.id));
  const add = (id: string): void => {
    setIds([...ids, id]);
    setText("");
    document.getElementById("i-match.jobs")?.focus();
  };
  return (
    <div>
      <label>
        Only these jobs
        <input
          id="i-match.jobs"
          value={text}
          placeholder="Search by name, URL or id"
          autocomplete="off"
          spellcheck={false}
          aria-describedby="e-match.jobs"
          onInput={(e) => setText(e.currentTarget.value)}
          onKeyDown={(e) => {
            if (e.key !== "Enter") return;
            e.preventDefault(); // it does not save the form
            const first = others[0];
            if (first && asked === text.trim()) add(first.id);
          }}
        />
      </label>
      <ul class="chosen">
        {ids.map((id) => (
          <Chosen key={id} id={id} onRemove={() => setIds(ids.filter((i) => i !== id))} />
        ))}
      </ul>
      <ul class="match" aria-live="polite" aria-label="Jobs that are found">
        {others.map((j) => (
          <li key={j.id}>
            <button type="button" class="quiet" aria-label={`Add ${nameOf(j)}`} onClick={() => add(j.id)}>
              + {nameOf(j)}
            </button>
          </li>
        ))}
        {asked !== "" && found.data?.jobs.length === 0 && <li class="muted">No job is found.</li>}
      </ul>
      <FieldError error={error} field="match.jobs" id="e-match.jobs" />
    </div>
  );
}

/** A job that is chosen. Its name is no link: what is typed would be lost. */
function Chosen({ id, onRemove }: { id: string; onRemove: () => void }) {
  const name = useJobName(id) ?? id;
  return (
    <li>
      <input type="hidden" name="match.jobs" value={id} />
      <b>{name}</b>
      <button type="button" class="quiet" aria-label={`Without ${name}`} onClick={onRemove}>
        ✕
      </button>
    </li>
  );
}
