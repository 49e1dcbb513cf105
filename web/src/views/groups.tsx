// Of which alerts people are told together, whether they were, and who looks after them.
import { useState } from "preact/hooks";
import { conditionNames } from "../alerting.ts";
import { call } from "../api.ts";
import { count, plural } from "../format.ts";
import { useMay } from "../me.ts";
import { href, setQuery, usePlace } from "../router.ts";
import type { AlertGroup, Matcher } from "../types.gen.ts";
import { AlertTabs } from "../ui/alerttabs.tsx";
import { Badge, type BadgeOf, Choice, Head, Icon, Time } from "../ui/basics.tsx";
import { say } from "../ui/dialog.tsx";
import { JobLink } from "../ui/job.tsx";
import { LevelBadge } from "../ui/level.tsx";
import { SettingTable } from "../ui/settingtable.tsx";
import { useApi } from "../use.ts";
import { authorOf } from "../words.ts";
import { EditSilence } from "./silenceform.tsx";

const shown = [
  ["", "Open"],
  ["all", "All"],
] as const;

type Shown = (typeof shown)[number][0];

export function Groups() {
  const { query } = usePlace();
  const state = (query.get("state") ?? "") as Shown;
  const cursor = query.get("cursor") ?? "";
  const q = { limit: 50, ...(state === "" ? { open: true } : {}), ...(cursor ? { cursor } : {}) };
  const asked = useApi("GET /alerts/groups", { query: q }, { every: 5000, keep: true });
  const [silencing, setSilencing] = useState<AlertGroup>();
  const edits = useMay("editor");
  return (
    <>
      <Head title="Groups" sub="Alerts that seem to have one cause: people are told of them in one message" />
      <AlertTabs />
      <search class="filters">
        <Choice label="State" value={state} options={shown} onChange={(s) => setQuery({ state: s, cursor: "" })} />
      </search>
      <SettingTable
        asked={asked}
        rows={asked.data?.groups}
        label="The groups"
        columns={["What", "State", "Level", "Failures", "Since", "Told"]}
        height={200}
        empty={<p class="empty">There are none.</p>}
      >
        {(g) => <Row key={g.id} group={g} edits={edits} onSilence={() => setSilencing(g)} onChange={asked.reload} />}
      </SettingTable>
      <Pages cursor={cursor} next={asked.data?.nextCursor} />
      {silencing && (
        <EditSilence
          id={undefined}
          match={matcherOf(silencing)}
          onClose={() => {
            setSilencing(undefined);
            asked.reload();
          }}
        />
      )}
    </>
  );
}

/** The ways to other pages of a list. */
export function Pages({ cursor, next }: { cursor: string; next: string | undefined }) {
  return (
    <div class="actions">
      {cursor !== "" && (
        <button type="button" onClick={() => setQuery({ cursor: "" })}>
          The newest
        </button>
      )}
      {next && (
        <button type="button" onClick={() => setQuery({ cursor: next })}>
          Earlier ones
        </button>
      )}
    </div>
  );
}

/** Which jobs a group is about. A job without a host is its own group. */
function matcherOf({ groupBy, key }: AlertGroup): Matcher {
  if (groupBy === "NAMESPACE") return { namespace: key };
  return groupBy === "HOST" && key.includes("://") ? { host: key } : { jobs: [key] };
}

interface RowProps {
  group: AlertGroup;
  edits: boolean;
  onSilence: () => void;
  onChange: () => void;
}

function Row({ group: g, edits, onSilence, onChange }: RowProps) {
  const error = g.samples.find((s) => s.error)?.error;
  return (
    <tr>
      <th scope="row" class="wide">
        <What group={g} />
        <small class="muted second">
          {conditionNames[g.when]}, by the rule {g.rule}
        </small>
        {error && <small class="second">{error}</small>}
      </th>
      <td>
        <State group={g} />
      </td>
      <td>
        <LevelBadge level={g.level} />
      </td>
      <td>
        {count(g.failures)}
        <small class="muted second">{plural(g.recoveredAt === null ? g.jobs : g.allJobs, "job")}</small>
      </td>
      <td>
        <Time at={g.firstAt} />
      </td>
      <td>
        <Time at={g.toldAt} none="not yet" />
        {g.toldAt !== null && (
          <small class="second">
            <a href={href("/alerts/notifications", { groupId: g.id })}>messages</a>
          </small>
        )}
      </td>
      <td>
        {edits && g.recoveredAt === null && g.state !== "CLOSED" && (
          <div class="actions column">
            {g.state !== "ACKNOWLEDGED" && <Acknowledge group={g} onChange={onChange} />}
            <button type="button" onClick={onSilence}>
              Silence this
            </button>
          </div>
        )}
      </td>
    </tr>
  );
}

/** What the alerts of a group have in common. */
function What({ group: g }: { group: AlertGroup }) {
  const m = matcherOf(g);
  if (m.jobs) return <JobLink id={g.key} />;
  return (
    <a class="strong" href={href("/jobs", { ...(m as { host?: string; namespace?: string }), state: "failing" })}>
      {g.key}
    </a>
  );
}

const states: Record<AlertGroup["state"], BadgeOf> = {
  WAITING: ["s-pending", "clock", "Waiting"],
  OPEN: ["s-failed", "alerts", "Open"],
  ACKNOWLEDGED: ["warn", "success", "Acknowledged"],
  FLAPPING: ["warn", "alerts", "Flapping"],
  RECOVERED: ["s-success", "success", "Recovered"],
  CLOSED: ["s-skipped", "success", "Closed"],
};

function State({ group: g }: { group: AlertGroup }) {
  return (
    <>
      <Badge of={states[g.state]} />
      {g.acknowledged && (
        <small class="second">
          by {authorOf(g.acknowledged.by)}, <Time at={g.acknowledged.at} line />
        </small>
      )}
      {g.silenced && (
        <small class="second">
          <Icon name="silence" /> silenced: {g.silenced.reason}, ends <Time at={g.silenced.until} line />
        </small>
      )}
      {g.recoveredAt !== null && (
        <small class="second">
          over <Time at={g.recoveredAt} line />
        </small>
      )}
    </>
  );
}

/** Says that somebody looks after a group: nothing is repeated until it gets worse or is over. */
function Acknowledge({ group: g, onChange }: { group: AlertGroup; onChange: () => void }) {
  const [busy, setBusy] = useState(false);
  const acknowledge = async (): Promise<void> => {
    setBusy(true);
    try {
      await call("POST /alerts/groups/{id}/acknowledge", { path: { id: g.id } });
      say("Acknowledged: nothing is repeated until more jobs fail, or until it is over.");
    } catch (err) {
      say((err as Error).message, true);
    }
    setBusy(false);
    onChange();
  };
  return (
    <button type="button" aria-label={`Acknowledge ${g.key}`} disabled={busy} onClick={() => void acknowledge()}>
      Acknowledge
    </button>
  );
}
