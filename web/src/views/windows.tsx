// Maintenance windows: silences that come again by a schedule.
import { useState } from "preact/hooks";
import { textOf } from "../alerting.ts";
import { ApiError, call } from "../api.ts";
import { duration } from "../format.ts";
import { useWords } from "../lazy.ts";
import { useMay } from "../me.ts";
import { windowOf } from "../quiet.ts";
import { viewerZone } from "../time.ts";
import type { Window } from "../types.gen.ts";
import { Badge, ErrorNote, Panel, Skeleton, Time, UnreadableRow } from "../ui/basics.tsx";
import { say } from "../ui/dialog.tsx";
import { Check, Group, Length, Text } from "../ui/fields.tsx";
import { Matches, MatcherFields } from "../ui/matcher.tsx";
import { EditDialog, type Read, SettingForm, tagNow } from "../ui/settingform.tsx";
import { DeleteSetting, RowActions, SettingTable, useDialogs } from "../ui/settingtable.tsx";
import { useApi, useQuiet } from "../use.ts";
import { Zones } from "./jobfield.tsx";
import { By } from "./silences.tsx";

const route = "GET /alerts/windows/{id}";

/** The maintenance windows; jobId: only those that are about a job. */
export function Windows({ jobId }: { jobId: string }) {
  const asked = useApi("GET /alerts/windows", { query: jobId ? { jobId } : {} }, { every: 5000, keep: true });
  const { editing, edit, deleting, remove, close } = useDialogs<string, Window>(asked.reload);
  const edits = useMay("editor");
  const add = edits && (
    <button type="button" onClick={() => edit("new")}>
      New maintenance window
    </button>
  );
  return (
    <Panel title="Maintenance windows" actions={add}>
      <SettingTable
        asked={asked}
        rows={asked.data?.windows}
        label="The maintenance windows"
        columns={["Window", "State", "Jobs", "Begins", "Lasts", "Next"]}
        height={100}
        within
        empty={<p class="muted">There are none. One is a silence that comes again by a schedule.</p>}
      >
        {(w) => <Row key={w.id} window={w} edits={edits} onEdit={() => edit(w.id)} onDelete={() => remove(w)} />}
      </SettingTable>
      {editing !== undefined && <Edit id={editing === "new" ? undefined : editing} onClose={close} />}
      {deleting && <Delete window={deleting} onClose={close} />}
    </Panel>
  );
}

interface RowProps {
  window: Window;
  edits: boolean;
  onEdit: () => void;
  onDelete: () => void;
}

function Row(props: RowProps) {
  const { window: w, edits, onDelete } = props;
  if (w.error) return <UnreadableRow id={w.id} why={w.error} columns={5} onDelete={edits ? onDelete : undefined} />;
  return <Readable {...props} />;
}

function Readable({ window: w, edits, onEdit, onDelete }: RowProps) {
  const words = useWords(w.schedule, w.timezone);
  return (
    <tr>
      <th scope="row">
        <b>{w.reason}</b>
        <small class="muted second">
          <code>{w.id}</code>
        </small>
        <By by={w.by} />
      </th>
      <td>
        <State window={w} />
      </td>
      <td>
        <Matches match={w.match} namespace={w.namespace} />
      </td>
      <td class="wide">
        {words ?? <code>{w.schedule}</code>}
        <small class="muted second">
          {words && <code>{w.schedule}</code>} {w.timezone}
        </small>
      </td>
      <td>{duration(w.durationMs)}</td>
      <td>
        <Time at={w.nextAt} jobZone={w.timezone} none="never" />
      </td>
      <td>{edits && <RowActions name={w.id} onEdit={onEdit} onRemove={onDelete} />}</td>
    </tr>
  );
}

function State({ window: w }: { window: Window }) {
  if (w.disabled) return <Badge of={["s-skipped", "pause", "Disabled"]} />;
  if (w.activeUntil === null && w.nextAt === null) return <Badge of={["s-skipped", "clock", "Over"]} />;
  if (w.activeUntil === null) return <Badge of={["s-pending", "clock", "To come"]} />;
  return (
    <>
      <Badge of={["warn", "pause", "Active"]} />
      <small class="second">
        ends <Time at={w.activeUntil} jobZone={w.timezone} line />
      </small>
    </>
  );
}

function Delete({ window: w, onClose }: { window: Window; onClose: () => void }) {
  return (
    <DeleteSetting route="DELETE /alerts/windows/{id}" id={w.id} what="maintenance window" onClose={onClose}>
      <b>{w.reason}</b> does not begin again.{" "}
      {w.activeUntil !== null && "It ends now: what still fails is told within a minute."}
    </DeleteSetting>
  );
}

function Edit({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  return (
    <EditDialog title={id ? `Window ${id}` : "New maintenance window"} route={route} id={id} onClose={onClose}>
      {(is, reload) => <Form key={is?.tag} is={is} reload={reload} onClose={onClose} />}
    </EditDialog>
  );
}

const fields = ["id", "match", "reason", "schedule", "timezone", "durationMs"];

function Form(props: { is: Read<Window> | undefined; reload: () => Promise<void>; onClose: () => void }) {
  const w = props.is?.value;
  const save = async (data: FormData, headers: Record<string, string>): Promise<void> => {
    const id = w?.id ?? textOf(data, "id") ?? "-"; // the API says what an id is
    await call("PUT /alerts/windows/{id}", { path: { id }, body: windowOf(data), headers });
    say(`Window ${id} is saved.`);
  };
  return (
    <SettingForm
      submit="Save the window"
      fields={fields}
      tag={props.is?.tag}
      save={save}
      reload={props.reload}
      tagNow={() => tagNow(route, w?.id ?? "")}
      onClose={props.onClose}
    >
      {(error) => (
        <>
          {!w && <Text name="id" label="Its id: lower-case letters, digits and hyphens" error={error} required />}
          <Text name="reason" label="Why, for others to read" value={w?.reason} error={error} required />
          <Times window={w} error={error} />
          <MatcherFields match={w?.match} error={error} />
          <Check name="disabled" label="Disabled: it does not act" checked={w?.disabled ?? false} />
        </>
      )}
    </SettingForm>
  );
}

/** When it begins, and how long it lasts, with the next times. */
function Times({ window: w, error }: { window: Window | undefined; error: Error | undefined }) {
  const [schedule, setSchedule] = useState(w?.schedule ?? "");
  const [zone, setZone] = useState(w?.timezone ?? viewerZone());
  return (
    <Group title="When">
      <div class="columns short-fields">
        <Text
          name="schedule"
          label="Begins, by a schedule as of jobs"
          value={schedule}
          onInput={setSchedule}
          error={error}
          required
        />
        <Text name="timezone" label="Time zone" value={zone} onInput={setZone} list="zones" error={error} />
        <Length name="durationMs" label="Lasts" ms={w?.durationMs ?? 7_200_000} error={error} />
      </div>
      <Zones />
      <Next schedule={schedule} zone={zone} />
    </Group>
  );
}

/** What a schedule means, and when it begins next. */
function Next({ schedule, zone }: { schedule: string; zone: string }) {
  const typed = useQuiet(JSON.stringify({ schedule: schedule.trim(), timezone: zone.trim() || "UTC", count: 5 }), 250);
  const body = JSON.parse(typed) as { schedule: string; timezone: string; count: number };
  const asked = useApi("POST /schedules/preview", { body }, { off: body.schedule === "", keep: true });
  const refused = asked.error instanceof ApiError ? asked.error : undefined;
  if (body.schedule === "") return <p class="muted">Such as 0 0 2 * * SUN: on Sundays at 2.</p>;
  if (refused?.problem?.errors?.length) {
    return <p class="field-error">{refused.problem.errors.map((e) => `${e.field} ${e.message}`).join("; ")}</p>;
  }
  if (!asked.data) return asked.error ? <ErrorNote error={asked.error} /> : <Skeleton lines={3} />;
  return (
    <div aria-live="polite">
      <p>{asked.data.description}</p>
      {asked.data.warnings.map((warning) => (
        <p key={warning} class="note warn">
          {warning}
        </p>
      ))}
      <ol class="fires" aria-label="Next times">
        {asked.data.next.map((i) => (
          <li key={i.at}>
            <Time at={i.at} jobZone={body.timezone} line />
          </li>
        ))}
      </ol>
    </div>
  );
}
