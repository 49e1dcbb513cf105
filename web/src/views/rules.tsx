// By which rules people are told of alerts: of which jobs, when, where, and how often.
import { useState } from "preact/hooks";
import { conditionWords, timingWords } from "../alerting.ts";
import { call } from "../api.ts";
import { useMay } from "../me.ts";
import type { AlertRule } from "../types.gen.ts";
import { AlertTabs } from "../ui/alerttabs.tsx";
import { ErrorNote, Head, Icon, Panel, Skeleton, UnreadableRow } from "../ui/basics.tsx";
import { say } from "../ui/dialog.tsx";
import { LevelBadge } from "../ui/level.tsx";
import { Matches } from "../ui/matcher.tsx";
import { Confirm } from "../ui/settingform.tsx";
import { useApi } from "../use.ts";
import { EditRule } from "./ruleform.tsx";

/** The rule that is there without being made. */
const defaultRule = "default";

export function Rules() {
  const asked = useApi("GET /alerts/rules", {}, { every: 5000, keep: true });
  const [editing, setEditing] = useState<string>();
  const [deleting, setDeleting] = useState<AlertRule>();
  const edits = useMay("editor");
  const rules = asked.data?.rules;
  const close = (): void => {
    setEditing(undefined);
    setDeleting(undefined);
    asked.reload();
  };
  return (
    <>
      <Head title="Rules" sub="Of which jobs people are told, when, and where">
        {edits && (
          <button type="button" class="primary" onClick={() => setEditing("")}>
            New rule
          </button>
        )}
      </Head>
      <AlertTabs />
      <ErrorNote error={asked.error} retry={asked.reload} />
      {!rules && !asked.error && <Skeleton height={300} />}
      {rules?.length === 0 && <p class="empty">There are no rules about your jobs alone.</p>}
      {!!rules?.length && <Table rules={rules} edits={edits} onEdit={(r) => setEditing(r.id)} onDelete={setDeleting} />}
      {editing !== undefined && <EditRule id={editing || undefined} onClose={close} />}
      {deleting && <Delete rule={deleting} onClose={close} />}
    </>
  );
}

interface Rows {
  rules: AlertRule[];
  edits: boolean;
  onEdit: (r: AlertRule) => void;
  onDelete: (r: AlertRule) => void;
}

function Table(props: Rows) {
  return (
    <Panel title="Rules">
      <div class="scroll" tabIndex={0} role="region" aria-label="The rules">
        <table class="plain">
          <thead>
            <tr>
              {["Rule", "Jobs", "When", "Channels", "Level", "State"].map((h) => (
                <th key={h} scope="col">
                  {h}
                </th>
              ))}
              <td />
            </tr>
          </thead>
          <tbody>
            {props.rules.map((r) => (
              <Row key={r.id} rule={r} {...props} />
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function Row({ rule: r, edits, onEdit, onDelete }: Rows & { rule: AlertRule }) {
  if (r.error) {
    return <UnreadableRow id={r.id} why={r.error} columns={5} onDelete={edits ? () => onDelete(r) : undefined} />;
  }
  return (
    <tr>
      <th scope="row">
        <b>{r.name ?? r.id}</b>
        <small class="muted second">
          <code>{r.id}</code>
          {r.id === defaultRule && (r.builtIn ? ", there without being made" : ", in the place of the usual one")}
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
          r.channels.map((c) => (
            <span key={c} class="tag">
              {c}
            </span>
          ))
        )}
      </td>
      <td>
        <LevelBadge level={r.level} />
      </td>
      <td>
        <State rule={r} />
      </td>
      <td>
        {edits && (
          <div class="actions">
            <button type="button" aria-label={`Edit ${r.id}`} onClick={() => onEdit(r)}>
              Edit
            </button>
            {!r.builtIn && (
              <button type="button" class="danger" aria-label={`Delete ${r.id}`} onClick={() => onDelete(r)}>
                Delete
              </button>
            )}
          </div>
        )}
      </td>
    </tr>
  );
}

function State({ rule: r }: { rule: AlertRule }) {
  if (r.disabled) {
    return (
      <span class="badge s-skipped">
        <Icon name="pause" /> Disabled
      </span>
    );
  }
  return (
    <span class="badge s-success">
      <Icon name="success" /> {r.id === defaultRule ? "Default" : "On"}
    </span>
  );
}

function Delete({ rule: r, onClose }: { rule: AlertRule; onClose: () => void }) {
  const act = async (): Promise<void> => {
    say((await call("DELETE /alerts/rules/{id}", { path: { id: r.id } })).message);
  };
  return (
    <Confirm title="Delete the rule?" does="Delete the rule" act={act} onClose={onClose}>
      Nobody is told by <b>{r.name ?? r.id}</b> any more, also not that something is over that it has told.
      {r.id === defaultRule && " The usual rule, every final failure to the channels that are a default, holds again."}
    </Confirm>
  );
}
