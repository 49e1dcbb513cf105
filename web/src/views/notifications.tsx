// What channels were told of alerts, or are to be told, and what has become of it.
import { useState } from "preact/hooks";
import { call } from "../api.ts";
import { count } from "../format.ts";
import { useMay } from "../me.ts";
import { setQuery, usePlace } from "../router.ts";
import type { Notification } from "../types.gen.ts";
import { AlertTabs } from "../ui/alerttabs.tsx";
import { Badge, type BadgeOf, Head, Time } from "../ui/basics.tsx";
import { say } from "../ui/dialog.tsx";
import { TextFilter } from "../ui/filter.tsx";
import { SettingTable } from "../ui/settingtable.tsx";
import { useApi } from "../use.ts";
import { Pages } from "./groups.tsx";

export function Notifications() {
  const { query } = usePlace();
  const channel = query.get("channel") ?? "";
  const groupId = query.get("groupId") ?? "";
  const cursor = query.get("cursor") ?? "";
  const q = { limit: 50, channel, groupId, cursor };
  const asked = useApi("GET /notifications", { query: q }, { every: 5000, keep: true });
  const edits = useMay("editor");
  return (
    <>
      <Head title="Notifications" sub="Messages about alerts, and whether they have reached their channels" />
      <AlertTabs />
      <search class="filters">
        <TextFilter name="channel" label="Channel" value={channel} />
        {groupId && (
          <button type="button" class="quiet" onClick={() => setQuery({ groupId: "", cursor: "" })}>
            About all groups
          </button>
        )}
      </search>
      <SettingTable
        asked={asked}
        rows={asked.data?.notifications}
        label="The notifications"
        columns={["Message", "State", "Channel", "Made", "Attempts", "Last attempt", "Error"]}
        height={200}
        empty={<p class="empty">There are none.</p>}
      >
        {(n) => <Row key={n.id} notification={n} edits={edits} onChange={asked.reload} />}
      </SettingTable>
      <Pages cursor={cursor} next={asked.data?.nextCursor} />
    </>
  );
}

interface RowProps {
  notification: Notification;
  edits: boolean;
  onChange: () => void;
}

function Row({ notification: n, edits, onChange }: RowProps) {
  return (
    <tr>
      <th scope="row" class="wide">
        <b>{n.title}</b>
        <small class="muted second">
          <code>{n.type}</code>
        </small>
      </th>
      <td>
        <State notification={n} />
      </td>
      <td>{n.channel}</td>
      <td>
        <Time at={n.createdAt} />
      </td>
      <td>{count(n.attempts)}</td>
      <td>
        <Time at={n.lastAt} none="none yet" />
      </td>
      <td>{n.error && <div class="error">{n.error}</div>}</td>
      <td>
        {edits && (
          <div class="actions">
            <Resend notification={n} onChange={onChange} />
          </div>
        )}
      </td>
    </tr>
  );
}

const states: Record<Notification["state"], BadgeOf> = {
  PENDING: ["s-pending", "clock", "Pending"],
  DELIVERED: ["s-success", "success", "Delivered"],
  UNDELIVERABLE: ["s-failed", "failed", "Undeliverable"],
  SUPERSEDED: ["s-skipped", "skipped", "Superseded"],
};

function State({ notification: n }: { notification: Notification }) {
  return (
    <>
      <Badge of={states[n.state]} />
      {n.nextAt !== null && (
        <small class="second">
          next attempt <Time at={n.nextAt} line />
        </small>
      )}
    </>
  );
}

/** Sends a message again, whatever has become of it. */
function Resend({ notification: n, onChange }: { notification: Notification; onChange: () => void }) {
  const [busy, setBusy] = useState(false);
  const resend = async (): Promise<void> => {
    setBusy(true);
    try {
      await call("POST /notifications/{id}/resend", { path: { id: n.id } });
      say("The message is sent again, and says what was so then.");
    } catch (err) {
      say((err as Error).message, true);
    }
    setBusy(false);
    onChange();
  };
  return (
    <button type="button" aria-label={`Send again: ${n.title}`} disabled={busy} onClick={() => void resend()}>
      Send again
    </button>
  );
}
