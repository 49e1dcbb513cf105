// Where people are told of alerts: whether that works, and a form for each kind of channel.
import { useState } from "preact/hooks";
import { call } from "../api.ts";
import { plural } from "../format.ts";
import { me, may } from "../me.ts";
import { useStore } from "../store.ts";
import type { Channel, ChannelField, ChannelKind, NewChannel } from "../types.gen.ts";
import { AlertTabs } from "../ui/alerttabs.tsx";
import { ErrorNote, Head, Icon, Panel, Skeleton, Time } from "../ui/basics.tsx";
import { Dialog, say } from "../ui/dialog.tsx";
import { Check, Text } from "../ui/fields.tsx";
import { useApi } from "../use.ts";

export function Channels() {
  const asked = useApi("GET /alerts/channels", {}, { every: 5000, keep: true });
  const [editing, setEditing] = useState<Channel | "new">();
  const [deleting, setDeleting] = useState<Channel>();
  const admin = may(useStore(me), "admin");
  const channels = asked.data?.channels;
  const close = (): void => {
    setEditing(undefined);
    setDeleting(undefined);
    asked.reload();
  };
  return (
    <>
      <Head title="Channels" sub="Where people are told of alerts">
        {admin && (
          <button type="button" class="primary" onClick={() => setEditing("new")}>
            New channel
          </button>
        )}
      </Head>
      <AlertTabs />
      <ErrorNote error={asked.error} retry={asked.reload} />
      {!channels && !asked.error && <Skeleton height={300} />}
      {channels && <Table channels={channels} admin={admin} onEdit={setEditing} onDelete={setDeleting} />}
      {editing && <Edit channel={editing === "new" ? undefined : editing} onClose={close} />}
      {deleting && <Delete channel={deleting} onClose={close} />}
    </>
  );
}

interface Rows {
  channels: Channel[];
  admin: boolean;
  onEdit: (c: Channel) => void;
  onDelete: (c: Channel) => void;
}

function Table(props: Rows) {
  if (props.channels.length === 0) {
    return (
      <div class="empty">
        <p>Nobody is told of failures: there is no channel.</p>
        <p>With one that is a default, every job that fails for good is told there.</p>
      </div>
    );
  }
  return (
    <Panel title="Channels">
      <div class="scroll" tabIndex={0} role="region" aria-label="The channels">
        <table class="plain">
          <thead>
            <tr>
              {["Channel", "State", "Waiting", "Last attempt", "Error"].map((h) => (
                <th key={h} scope="col">
                  {h}
                </th>
              ))}
              <td />
            </tr>
          </thead>
          <tbody>
            {props.channels.map((c) => (
              <Row key={c.id} channel={c} {...props} />
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function Row({ channel: c, admin, onEdit, onDelete }: Rows & { channel: Channel }) {
  return (
    <tr>
      <th scope="row">
        <b>{c.id}</b>
        <small class="muted second">
          {c.kind} {c.target}
          {c.source === "environment" && ", of BELFRY_ALERT_URL"}
        </small>
      </th>
      <td>
        <State channel={c} />
      </td>
      <td>{c.pending > 0 ? plural(c.pending, "message") : <span class="muted">nothing</span>}</td>
      <td>
        <Time at={c.lastDelivery?.at} none="none yet" />
      </td>
      <td>
        <div class="error">{c.error ?? c.lastDelivery?.error}</div>
      </td>
      <td>
        {admin && (
          <div class="actions">
            <Test channel={c} />
            {c.source === "api" && (
              <>
                <button type="button" aria-label={`Edit ${c.id}`} onClick={() => onEdit(c)}>
                  Edit
                </button>
                <button type="button" class="danger" aria-label={`Delete ${c.id}`} onClick={() => onDelete(c)}>
                  Delete
                </button>
              </>
            )}
          </div>
        )}
      </td>
    </tr>
  );
}

function State({ channel: c }: { channel: Channel }) {
  if (c.error || (c.lastDelivery?.error && !c.disabled)) {
    return (
      <span class="badge s-failed">
        <Icon name="failed" /> Failing
      </span>
    );
  }
  if (c.disabled) {
    return (
      <span class="badge s-skipped">
        <Icon name="pause" /> Disabled
      </span>
    );
  }
  return (
    <span class="badge s-success">
      <Icon name="success" /> {c.default ? "Default" : "On"}
    </span>
  );
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
  const [error, setError] = useState<Error>();
  const remove = async (): Promise<void> => {
    try {
      say((await call("DELETE /alerts/channels/{id}", { path: { id: c.id } })).message);
      onClose();
    } catch (err) {
      setError(err as Error);
    }
  };
  return (
    <Dialog title="Delete the channel?" onClose={onClose}>
      <div class="ask">
        <p>
          <b>{c.id}</b> is told nothing any more.{" "}
          {c.pending > 0 && `${plural(c.pending, "message")} that wait for it are not sent.`}
        </p>
        <ErrorNote error={error} />
        <div class="actions end">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="button" class="danger" onClick={() => void remove()}>
            Delete the channel
          </button>
        </div>
      </div>
    </Dialog>
  );
}

function Edit({ channel: c, onClose }: { channel: Channel | undefined; onClose: () => void }) {
  const kinds = useApi("GET /alerts/channels/kinds").data?.kinds;
  return (
    <Dialog title={c ? `Channel ${c.id}` : "New channel"} onClose={onClose} wide>
      {kinds ? <Form channel={c} kinds={kinds} onClose={onClose} /> : <Skeleton height={300} />}
    </Dialog>
  );
}

const mask = "********";

/** What the form says, as the API takes it. A secret that is left alone stays as it is. */
function channelOf(form: HTMLFormElement, kind: ChannelKind, is: Channel | undefined): NewChannel {
  const data = new FormData(form);
  const get = (name: string): string => String(data.get(name) ?? "").trim();
  const c: NewChannel = {
    kind: kind.kind,
    default: data.has("default"),
    disabled: data.has("disabled"),
    options: {},
    secrets: {},
    signingSecrets: is?.signingSecrets ?? [],
    templates: {},
  };
  if (get("namespace")) c.namespace = get("namespace");
  if (get("perMinute")) c.perMinute = Number(get("perMinute"));
  for (const f of kind.fields) {
    const value = get(`field-${f.name}`);
    const kept = f.secret && is?.kind === kind.kind && is.secrets[f.name] ? mask : "";
    const into = (f.secret ? c.secrets : c.options) as Record<string, string>;
    if (value || kept) into[f.name] = value || kept;
  }
  if (!kind.signed) c.signingSecrets = [];
  if (get("signingSecret")) c.signingSecrets = [get("signingSecret")];
  if (get("title")) c.templates = { ...c.templates, title: get("title") };
  if (get("text")) c.templates = { ...c.templates, text: get("text") };
  return c;
}

function Form({
  channel: c,
  kinds,
  onClose,
}: {
  channel: Channel | undefined;
  kinds: ChannelKind[];
  onClose: () => void;
}) {
  const [kind, setKind] = useState(c?.kind ?? kinds[0]?.kind);
  const [error, setError] = useState<Error>();
  const [busy, setBusy] = useState(false);
  const of = kinds.find((k) => k.kind === kind) as ChannelKind;
  const save = async (form: HTMLFormElement): Promise<void> => {
    const id = c?.id ?? String(new FormData(form).get("id") ?? "").trim();
    setBusy(true);
    try {
      const headers: Record<string, string> = c ? { "If-Match": `"${c.revision}"` } : { "If-None-Match": "*" };
      await call("PUT /alerts/channels/{id}", { path: { id }, body: channelOf(form, of, c), headers });
      say(`Channel ${id} is kept.`);
      onClose();
    } catch (err) {
      setError(err as Error);
      setBusy(false);
    }
  };
  return (
    <form
      class="ask"
      onSubmit={(e) => {
        e.preventDefault();
        void save(e.currentTarget);
      }}
    >
      {!c && <Text name="id" label="Its name: lower-case letters, digits and hyphens" error={error} required />}
      <div>
        <label>
          Kind
          <select value={kind} onChange={(e) => setKind(e.currentTarget.value)}>
            {kinds.map((k) => (
              <option key={k.kind} value={k.kind}>
                {k.kind}
              </option>
            ))}
          </select>
        </label>
      </div>
      {of.fields.map((f) => (
        <Field key={`${kind} ${f.name}`} field={f} channel={c?.kind === kind ? c : undefined} error={error} />
      ))}
      {of.signed && (
        <Text
          name="signingSecret"
          label={`Secret of the signature, ${c?.signingSecrets.length ? "kept if empty" : "none if empty"}`}
          field="signingSecrets"
          type="password"
          error={error}
        />
      )}
      <Check name="default" label="Default: told of what no rule sends elsewhere" checked={c ? c.default : true} />
      <Check name="disabled" label="Disabled: messages wait for it, for a day at most" checked={c?.disabled ?? false} />
      <Text
        name="perMinute"
        label="Messages a minute, past which there is a digest"
        value={c?.perMinute ?? 20}
        error={error}
      />
      <Text
        name="namespace"
        label="The only namespace whose rules may use it; empty: all"
        value={c?.namespace}
        error={error}
      />
      <details>
        <summary>Templates</summary>
        <Text name="title" field="templates.title" label="First line" value={c?.templates.title} error={error} />
        <Text name="text" lines={4} field="templates.text" label="The rest" value={c?.templates.text} error={error} />
      </details>
      <ErrorNote error={error} />
      <div class="actions end">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" class="primary" disabled={busy}>
          Keep the channel
        </button>
      </div>
    </form>
  );
}

function Field({
  field: f,
  channel,
  error,
}: {
  field: ChannelField;
  channel: Channel | undefined;
  error: Error | undefined;
}) {
  const kept = f.secret && channel?.secrets[f.name];
  return (
    <Text
      name={`field-${f.name}`}
      field={`${f.secret ? "secrets" : "options"}.${f.name}`}
      label={`${f.name}: ${f.help}${kept ? "; kept if empty" : f.required ? "" : "; optional"}`}
      type={f.secret ? "password" : "text"}
      value={f.secret ? undefined : channel?.options[f.name]}
      error={error}
      required={f.required && !kept}
    />
  );
}
