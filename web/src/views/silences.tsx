// Of which alerts people are not told: silences, and maintenance windows.
import { useState } from "preact/hooks";
import { answerOf, call, send, serverNow } from "../api.ts";
import { useMay } from "../me.ts";
import { endedAt, inOrder, type SilenceState } from "../quiet.ts";
import { setQuery, usePlace } from "../router.ts";
import type { OperationBy, Silence } from "../types.gen.ts";
import { AlertTabs } from "../ui/alerttabs.tsx";
import { Choice, ErrorNote, Head, Icon, Panel, Skeleton, Time, UnreadableRow } from "../ui/basics.tsx";
import { say } from "../ui/dialog.tsx";
import { JobLink } from "../ui/job.tsx";
import { Matches } from "../ui/matcher.tsx";
import { Confirm } from "../ui/settingform.tsx";
import { useApi } from "../use.ts";
import { EditSilence } from "./silenceform.tsx";
import { Windows } from "./windows.tsx";

const shown = [
  ["", "Active and to come"],
  ["ended", "Ended"],
  ["all", "All"],
] as const;

type Shown = (typeof shown)[number][0];

export function Silences() {
  const { query } = usePlace();
  const state = (query.get("state") ?? "") as Shown;
  const jobId = query.get("jobId") ?? "";
  const asked = useApi("GET /alerts/silences", { query: jobId ? { jobId } : {} }, { every: 5000, keep: true });
  const [editing, setEditing] = useState<string>();
  const [ending, setEnding] = useState<{ silence: Silence; state: SilenceState }>();
  const edits = useMay("editor");
  const silences = asked.data && inOrder(asked.data.silences, serverNow());
  const close = (): void => {
    setEditing(undefined);
    setEnding(undefined);
    asked.reload();
  };
  return (
    <>
      <Head title="Silences" sub="Of which alerts people are not told for a while">
        {edits && (
          <button type="button" class="primary" onClick={() => setEditing("")}>
            New silence
          </button>
        )}
      </Head>
      <AlertTabs />
      <search class="filters">
        <Choice label="State" value={state} options={shown} onChange={(s) => setQuery({ state: s })} />
        {jobId && (
          <>
            <span>
              About <JobLink id={jobId} />
            </span>
            <button type="button" class="quiet" onClick={() => setQuery({ jobId: "" })}>
              About all jobs
            </button>
          </>
        )}
      </search>
      <ErrorNote error={asked.error} retry={asked.reload} />
      {!silences && !asked.error && <Skeleton height={200} />}
      {silences && (
        <Table
          rows={silences.filter((r) => state === "all" || (r.state === "ENDED") === (state === "ended"))}
          edits={edits}
          onEdit={(s) => setEditing(s.id)}
          onEnd={setEnding}
        />
      )}
      {(silences || asked.error) && <Windows jobId={jobId} />}
      {editing !== undefined && (
        <EditSilence id={editing || undefined} {...(jobId ? { match: { jobs: [jobId] } } : {})} onClose={close} />
      )}
      {ending && <End {...ending} onClose={close} />}
    </>
  );
}

interface Rows {
  rows: { silence: Silence; state: SilenceState }[];
  edits: boolean;
  onEdit: (s: Silence) => void;
  onEnd: (row: { silence: Silence; state: SilenceState }) => void;
}

function Table(props: Rows) {
  return (
    <Panel title="Silences">
      {props.rows.length === 0 && <p class="muted">There are none.</p>}
      {props.rows.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="The silences">
          <table class="plain">
            <thead>
              <tr>
                {["Why", "State", "Jobs", "Starts", "Ends"].map((h) => (
                  <th key={h} scope="col">
                    {h}
                  </th>
                ))}
                <td />
              </tr>
            </thead>
            <tbody>
              {props.rows.map((row) => (
                <Row key={row.silence.id} {...row} {...props} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}

function Row({ silence: s, state, edits, onEdit, onEnd }: Rows & Rows["rows"][number]) {
  if (s.error) {
    const onDelete = (): void => onEnd({ silence: s, state: "COMING" });
    return <UnreadableRow id={s.id} why={s.error} columns={4} onDelete={edits ? onDelete : undefined} />;
  }
  return (
    <tr>
      <th scope="row">
        <b>{s.reason}</b>
        <By by={s.by} />
      </th>
      <td>
        <State state={state} />
      </td>
      <td>
        <Matches match={s.match} namespace={s.namespace} />
      </td>
      <td>
        <Time at={s.startsAt} />
      </td>
      <td>
        <Time at={s.endsAt} />
      </td>
      <td>
        {edits && state !== "ENDED" && (
          <div class="actions">
            <button type="button" aria-label={`Change “${s.reason}”`} onClick={() => onEdit(s)}>
              Change
            </button>
            <button
              type="button"
              class="danger"
              aria-label={`${ends[state]} “${s.reason}”`}
              onClick={() => onEnd({ silence: s, state })}
            >
              {ends[state]}
            </button>
          </div>
        )}
      </td>
    </tr>
  );
}

const ends = { ACTIVE: "End now", COMING: "Delete", ENDED: "" };

/** Who has made something. */
export function By({ by }: { by: OperationBy }) {
  return <small class="muted second">by {by.name ?? by.key}</small>;
}

const badges: Record<SilenceState, [style: string, icon: string, text: string]> = {
  ACTIVE: ["warn", "pause", "Active"],
  COMING: ["s-pending", "clock", "To come"],
  ENDED: ["s-skipped", "success", "Ended"],
};

function State({ state }: { state: SilenceState }) {
  const [style, icon, text] = badges[state];
  return (
    <span class={`badge ${style}`}>
      <Icon name={icon} /> {text}
    </span>
  );
}

/** Ends a silence that acts, which stays on the list; one that is to come is deleted. */
function End({ silence: s, state, onClose }: { silence: Silence; state: SilenceState; onClose: () => void }) {
  const path = { id: s.id };
  const end = async (): Promise<void> => {
    const res = await send("GET /alerts/silences/{id}", { path });
    const is = (await answerOf(res)) as Silence;
    const headers = { "If-Match": res.headers.get("ETag") ?? "" };
    await call("PUT /alerts/silences/{id}", { path, body: endedAt(is, serverNow()), headers });
    say("The silence has ended.");
  };
  const remove = async (): Promise<void> => {
    say((await call("DELETE /alerts/silences/{id}", { path })).message);
  };
  return state === "ACTIVE" ? (
    <Confirm title="End the silence?" does="End it now" act={end} onClose={onClose}>
      <b>{s.reason}</b> ends now. What still fails is told within a minute.
    </Confirm>
  ) : (
    <Confirm title="Delete the silence?" does="Delete the silence" act={remove} onClose={onClose}>
      <b>{s.reason}</b> does not begin.
    </Confirm>
  );
}
