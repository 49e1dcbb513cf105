// Of which alerts people are not told: silences, and maintenance windows.
import { answerOf, call, send, serverNow } from "../api.ts";
import { useMay } from "../me.ts";
import { endedAt, inOrder, type SilenceState } from "../quiet.ts";
import { setQuery, usePlace } from "../router.ts";
import type { OperationBy, Silence } from "../types.gen.ts";
import { AlertTabs } from "../ui/alerttabs.tsx";
import { Badge, type BadgeOf, Choice, Head, Panel, Time, UnreadableRow } from "../ui/basics.tsx";
import { say } from "../ui/dialog.tsx";
import { JobLink } from "../ui/job.tsx";
import { Matches } from "../ui/matcher.tsx";
import { Confirm } from "../ui/settingform.tsx";
import { DeleteSetting, RowActions, SettingTable, useDialogs } from "../ui/settingtable.tsx";
import { useApi } from "../use.ts";
import { authorOf } from "../words.ts";
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
  const { editing, edit, deleting, remove, close } = useDialogs<string, Placed>(asked.reload);
  const edits = useMay("editor");
  const silences = asked.data && inOrder(asked.data.silences, serverNow());
  const match = jobId ? { match: { jobs: [jobId] } } : {};
  return (
    <>
      <Head title="Silences" sub="Alerts that are kept from people for a while">
        {edits && (
          <button type="button" class="primary" onClick={() => edit("new")}>
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
      <Panel title="Silences">
        <SettingTable
          asked={asked}
          rows={silences?.filter((r) => state === "all" || (r.state === "ENDED") === (state === "ended"))}
          label="The silences"
          columns={["Why", "State", "Jobs", "Starts", "Ends"]}
          height={100}
          within
          empty={<p class="muted">There are none.</p>}
        >
          {(row) => (
            <Row
              key={row.silence.id}
              {...row}
              edits={edits}
              onEdit={() => edit(row.silence.id)}
              onEnd={(as) => remove({ silence: row.silence, state: as })}
            />
          )}
        </SettingTable>
      </Panel>
      {(silences || asked.error) && <Windows jobId={jobId} />}
      {editing !== undefined && <EditSilence id={editing === "new" ? undefined : editing} {...match} onClose={close} />}
      {deleting && <End {...deleting} onClose={close} />}
    </>
  );
}

/** A silence, and whether it acts. */
interface Placed {
  silence: Silence;
  state: SilenceState;
}

interface RowProps extends Placed {
  edits: boolean;
  onEdit: () => void;
  onEnd: (as: SilenceState) => void;
}

function Row({ silence: s, state, edits, onEdit, onEnd }: RowProps) {
  if (s.error) {
    const onDelete = edits ? () => onEnd("COMING") : undefined;
    return <UnreadableRow id={s.id} why={s.error} columns={4} onDelete={onDelete} />;
  }
  return (
    <tr>
      <th scope="row">
        <b>{s.reason}</b>
        <By by={s.by} />
      </th>
      <td>
        <Badge of={badges[state]} />
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
          <RowActions
            name={`“${s.reason}”`}
            edit="Change"
            remove={ends[state]}
            onEdit={onEdit}
            onRemove={() => onEnd(state)}
          />
        )}
      </td>
    </tr>
  );
}

const ends = { ACTIVE: "End now", COMING: "Delete", ENDED: "" };

/** Who has made something. */
export function By({ by }: { by: OperationBy }) {
  return <small class="muted second">by {authorOf(by)}</small>;
}

const badges: Record<SilenceState, BadgeOf> = {
  ACTIVE: ["warn", "pause", "Active"],
  COMING: ["s-pending", "clock", "To come"],
  ENDED: ["s-skipped", "success", "Ended"],
};

/** Ends a silence that acts, which stays on the list; one that is to come is deleted. */
function End({ silence: s, state, onClose }: Placed & { onClose: () => void }) {
  if (state !== "ACTIVE") {
    return (
      <DeleteSetting route="DELETE /alerts/silences/{id}" id={s.id} what="silence" onClose={onClose}>
        <b>{s.reason}</b> does not begin.
      </DeleteSetting>
    );
  }
  const path = { id: s.id };
  const end = async (): Promise<void> => {
    const res = await send("GET /alerts/silences/{id}", { path });
    const is = (await answerOf(res)) as Silence;
    const headers = { "If-Match": res.headers.get("ETag") ?? "" };
    await call("PUT /alerts/silences/{id}", { path, body: endedAt(is, serverNow()), headers });
    say("The silence has ended.");
  };
  return (
    <Confirm title="End the silence?" does="End it now" act={end} onClose={onClose}>
      <b>{s.reason}</b> ends now. What still fails is told within a minute.
    </Confirm>
  );
}
