// By which rules people are told of alerts: of which jobs, when, where, and how often.
import { conditionWords, timingWords } from "../alerting.ts";
import { useMay } from "../me.ts";
import type { AlertRule } from "../types.gen.ts";
import { AlertTabs } from "../ui/alerttabs.tsx";
import { Badge, Head, UnreadableRow } from "../ui/basics.tsx";
import { LevelBadge } from "../ui/level.tsx";
import { Matches } from "../ui/matcher.tsx";
import { DeleteSetting, RowActions, SettingTable, useDialogs } from "../ui/settingtable.tsx";
import { useApi } from "../use.ts";
import { EditRule } from "./ruleform.tsx";

/** The rules that are there without being made: what deleting one that was stored in their place restores. */
const usual: Record<string, string> = {
  default: "The built-in rule, every final failure to the channels that are a default, holds again.",
  undeliverable: "The built-in rule, undeliverable messages to the channels that are a default, holds again.",
};

const inPlace = (r: AlertRule): boolean => usual[r.id] !== undefined && !r.builtIn;

export function Rules() {
  const asked = useApi("GET /alerts/rules", {}, { every: 5000, keep: true });
  const { editing, edit, deleting, remove, close } = useDialogs<string, AlertRule>(asked.reload);
  const edits = useMay("editor");
  return (
    <>
      <Head title="Rules" sub="Which failures people are told of, when, and on which channels">
        {edits && (
          <button type="button" class="primary" onClick={() => edit("new")}>
            New rule
          </button>
        )}
      </Head>
      <AlertTabs />
      <SettingTable
        asked={asked}
        rows={asked.data?.rules}
        label="The rules"
        columns={["Rule", "Jobs", "When", "Channels", "Level", "State"]}
        height={300}
        empty={<p class="empty">There are no rules about your jobs alone.</p>}
      >
        {(r) => <Row key={r.id} rule={r} edits={edits} onEdit={() => edit(r.id)} onDelete={() => remove(r)} />}
      </SettingTable>
      {editing !== undefined && <EditRule id={editing === "new" ? undefined : editing} onClose={close} />}
      {deleting && <Delete rule={deleting} onClose={close} />}
    </>
  );
}

interface RowProps {
  rule: AlertRule;
  edits: boolean;
  onEdit: () => void;
  onDelete: () => void;
}

function Row({ rule: r, edits, onEdit, onDelete }: RowProps) {
  if (r.error) return <UnreadableRow id={r.id} why={r.error} columns={5} onDelete={edits ? onDelete : undefined} />;
  return (
    <tr>
      <th scope="row">
        <b>{r.name ?? r.id}</b>
        <small class="muted second">
          {r.name && <code>{r.id}</code>}
          {r.name && (r.builtIn || inPlace(r)) && ", "}
          {r.builtIn && "built in"}
          {inPlace(r) && "replaces the built-in rule"}
        </small>
      </th>
      <td>
        <Matches match={r.match} namespace={r.namespace} />
      </td>
      <td class="wide">
        {conditionWords(r.when)}
        <small class="muted second">{timingWords(r)}</small>
      </td>
      <td>
        {r.channels.length === 0 ? (
          <span class="muted">the defaults</span>
        ) : (
          <span class="tags">
            {r.channels.map((c) => (
              <span key={c} class="tag">
                {c}
              </span>
            ))}
          </span>
        )}
      </td>
      <td>
        <LevelBadge level={r.level} />
      </td>
      <td>
        <State rule={r} />
      </td>
      <td>{edits && <RowActions name={r.id} onEdit={onEdit} onRemove={r.builtIn ? undefined : onDelete} />}</td>
    </tr>
  );
}

function State({ rule: r }: { rule: AlertRule }) {
  if (r.disabled) return <Badge of={["s-skipped", "pause", "Disabled"]} />;
  return <Badge of={["s-success", "success", r.id === "default" ? "Default" : "On"]} />;
}

function Delete({ rule: r, onClose }: { rule: AlertRule; onClose: () => void }) {
  return (
    <DeleteSetting route="DELETE /alerts/rules/{id}" id={r.id} what="rule" onClose={onClose}>
      Nobody is told by <b>{r.name ?? r.id}</b> any more, also not that something is over that it has told.
      {inPlace(r) && ` ${usual[r.id]}`}
    </DeleteSetting>
  );
}
