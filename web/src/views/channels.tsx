// Where people are told of alerts, and whether that works.
import { useState } from "preact/hooks";
import { call } from "../api.ts";
import { plural } from "../format.ts";
import { useMay } from "../me.ts";
import type { Channel } from "../types.gen.ts";
import { AlertTabs } from "../ui/alerttabs.tsx";
import { Badge, Head, Time } from "../ui/basics.tsx";
import { say } from "../ui/dialog.tsx";
import { DeleteSetting, RowActions, SettingTable, useDialogs } from "../ui/settingtable.tsx";
import { useApi } from "../use.ts";
import { EditChannel } from "./channelform.tsx";

export function Channels() {
  const asked = useApi("GET /alerts/channels", {}, { every: 5000, keep: true });
  const { editing, edit, deleting, remove, close } = useDialogs<string, Channel>(asked.reload);
  const admin = useMay("admin");
  return (
    <>
      <Head title="Channels" sub="The places where people are told of alerts">
        {admin && (
          <button type="button" class="primary" onClick={() => edit("new")}>
            New channel
          </button>
        )}
      </Head>
      <AlertTabs />
      <SettingTable
        asked={asked}
        rows={asked.data?.channels}
        label="The channels"
        columns={["Channel", "State", "Waiting", "Last attempt", "Error"]}
        height={300}
        empty={
          <div class="empty">
            <p>Nobody is told of failures: there is no channel.</p>
            <p>With one that is a default, every job that fails for good is told there.</p>
          </div>
        }
      >
        {(c) => <Row key={c.id} channel={c} admin={admin} onEdit={() => edit(c.id)} onDelete={() => remove(c)} />}
      </SettingTable>
      {editing !== undefined && <EditChannel id={editing === "new" ? undefined : editing} onClose={close} />}
      {deleting && <Delete channel={deleting} onClose={close} />}
    </>
  );
}

interface RowProps {
  channel: Channel;
  admin: boolean;
  onEdit: () => void;
  onDelete: () => void;
}

function Row({ channel: c, admin, onEdit, onDelete }: RowProps) {
  const own = c.source === "api";
  return (
    <tr>
      <th scope="row">
        <b>{c.id}</b>
        <small class="muted second">
          {c.kind} {c.target}
          {!own && ", of BELFRY_ALERT_URL"}
        </small>
      </th>
      <td>
        <State channel={c} />
      </td>
      <td>{c.pending > 0 ? plural(c.pending, "message") : <span class="muted">nothing</span>}</td>
      <td>
        <Time at={c.lastDelivery?.at} none="none yet" />
      </td>
      <td>{(c.error ?? c.lastDelivery?.error) && <div class="error">{c.error ?? c.lastDelivery?.error}</div>}</td>
      <td>
        {admin && (
          <RowActions name={c.id} onEdit={own ? onEdit : undefined} onRemove={own ? onDelete : undefined}>
            <Test channel={c} />
          </RowActions>
        )}
      </td>
    </tr>
  );
}

function State({ channel: c }: { channel: Channel }) {
  if (c.error || (c.lastDelivery?.error && !c.disabled)) return <Badge of={["s-failed", "failed", "Failing"]} />;
  if (c.disabled) return <Badge of={["s-skipped", "pause", "Disabled"]} />;
  return <Badge of={["s-success", "success", c.default ? "Default" : "On"]} />;
}

/** Sends a channel a message now. */
function Test({ channel: c }: { channel: Channel }) {
  const [busy, setBusy] = useState(false);
  const send = async (): Promise<void> => {
    setBusy(true);
    try {
      const made = await call("POST /alerts/channels/{id}/test", { path: { id: c.id } });
      if (made.delivered) say(`${c.id} has taken the message.`);
      else say(`${c.id} was not told: ${made.error}`, true);
    } catch (err) {
      say((err as Error).message, true);
    }
    setBusy(false);
  };
  return (
    <button type="button" aria-label={`Test ${c.id}`} disabled={busy} onClick={() => void send()}>
      {busy ? "Sending…" : "Test"}
    </button>
  );
}

function Delete({ channel: c, onClose }: { channel: Channel; onClose: () => void }) {
  return (
    <DeleteSetting route="DELETE /alerts/channels/{id}" id={c.id} what="channel" onClose={onClose}>
      <b>{c.id}</b> is told nothing any more.{" "}
      {c.pending > 0 && `${plural(c.pending, "message")} that wait for it are not sent.`}
    </DeleteSetting>
  );
}
