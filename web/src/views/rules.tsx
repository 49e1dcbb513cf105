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

/** The rule that is there without being made. */
const defaultRule = "default";

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
          {r.name && r.id === defaultRule && ", "}
          {r.id === defaultRule && (r.builtIn ? "built in" : "replaces the built-in rule")}
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
  return <Badge of={["s-success", "success", r.id === defaultRule ? "Default" : "On"]} />;
}

function Delete({ rule: r, onClose }: { rule: AlertRule; onClose: () => void }) {
  return (
    <DeleteSetting route="DELETE /alerts/rules/{id}" id={r.id} what="rule" onClose={onClose}>
      Nobody is told by <b>{r.name ?? r.id}</b> any more, also not that something is over that it has told.
      {r.id === defaultRule &&
        " The built-in rule, every final failure to the channels that are a default, holds again."}
    </DeleteSetting>
  );
}
