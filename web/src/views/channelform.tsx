// The form of a channel: the fields of its kind, and what it is told.
import { useState } from "preact/hooks";
import { channelOf, textOf } from "../alerting.ts";
import { call } from "../api.ts";
import type { Channel, ChannelField, ChannelKind, ChannelTemplates } from "../types.gen.ts";
import { ErrorNote, Skeleton } from "../ui/basics.tsx";
import { say } from "../ui/dialog.tsx";
import { Check, Pick, Text } from "../ui/fields.tsx";
import { EditDialog, type Read, SettingForm, tagNow } from "../ui/settingform.tsx";
import { useApi, useQuiet } from "../use.ts";

const route = "GET /alerts/channels/{id}";

/** id: undefined: a new channel. */
export function EditChannel({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  const asked = useApi("GET /alerts/channels/kinds");
  const kinds = asked.data?.kinds;
  return (
    <EditDialog title={id ? `Channel ${id}` : "New channel"} route={route} id={id} onClose={onClose}>
      {(is, reload) => (
        <>
          <ErrorNote error={asked.error} retry={asked.reload} />
          {!kinds && !asked.error && <Skeleton height={300} />}
          {kinds && <Form key={is?.tag} is={is} kinds={kinds} reload={reload} onClose={onClose} />}
        </>
      )}
    </EditDialog>
  );
}

interface FormProps {
  is: Read<Channel> | undefined;
  kinds: ChannelKind[];
  reload: () => Promise<void>;
  onClose: () => void;
}

const fields = ["id", "options", "secrets", "signingSecrets", "perMinute", "namespace", "templates"];

function Form({ is, kinds, reload, onClose }: FormProps) {
  const c = is?.value;
  const [name, setName] = useState(c?.kind ?? kinds[0]?.kind ?? "");
  const kind = kinds.find((k) => k.kind === name);
  const of = kind?.fields ?? [];
  const save = async (data: FormData, headers: Record<string, string>): Promise<void> => {
    const id = c?.id ?? textOf(data, "id") ?? "-"; // the API says what an id is
    await call("PUT /alerts/channels/{id}", {
      path: { id },
      body: channelOf(data, of, kind?.signed ?? true, c),
      headers,
    });
    say(`Channel ${id} is saved.`);
  };
  return (
    <SettingForm
      submit="Save the channel"
      fields={fields}
      tag={is?.tag}
      save={save}
      reload={reload}
      tagNow={() => tagNow(route, c?.id ?? "")}
      onClose={onClose}
    >
      {(error) => (
        <>
          {!c && <Text name="id" label="Its id: lower-case letters, digits and hyphens" error={error} required />}
          <Pick
            name="kind"
            label="Kind"
            value={name}
            options={kinds.map((k) => [k.kind, k.kind])}
            onChange={setName}
            error={error}
          />
          {of.map((f) => (
            <Field key={`${name} ${f.name}`} field={f} channel={c?.kind === name ? c : undefined} error={error} />
          ))}
          {kind?.signed && (
            <Text
              name="signingSecret"
              label={`Secret of the signature, ${c?.signingSecrets.length ? "kept if empty" : "none if empty"}`}
              field="signingSecrets"
              type="password"
              error={error}
            />
          )}
          <Check name="default" label="Default: told of what no rule sends elsewhere" checked={c?.default ?? true} />
          <Check
            name="disabled"
            label="Disabled: messages wait for it, for a day at most"
            checked={c?.disabled ?? false}
          />
          <div class="columns narrow">
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
          </div>
          <Templates channel={c} error={error} />
        </>
      )}
    </SettingForm>
  );
}

function Field(props: { field: ChannelField; channel: Channel | undefined; error: Error | undefined }) {
  const { field: f, channel, error } = props;
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

/** The templates, and the message that they make of an example, while one types. */
function Templates({ channel: c, error }: { channel: Channel | undefined; error: Error | undefined }) {
  const [title, setTitle] = useState(c?.templates.title ?? "");
  const [text, setText] = useState(c?.templates.text ?? "");
  const [open, setOpen] = useState(title !== "" || text !== "");
  const typed = useQuiet(JSON.stringify({ title: title.trim() || undefined, text: text.trim() || undefined }), 300);
  const body = JSON.parse(typed) as ChannelTemplates;
  const asked = useApi("POST /alerts/channels/preview", { body }, { off: !open, keep: true });
  return (
    <details open={open} onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>Templates</summary>
      <Text
        name="title"
        field="templates.title"
        label="First line, in Go’s text/template; the usual one if empty"
        value={title}
        onInput={setTitle}
        error={error}
      />
      <Text
        name="text"
        lines={4}
        field="templates.text"
        label="The rest"
        value={text}
        onInput={setText}
        error={error}
      />
      {asked.error && <ErrorNote error={asked.error} />}
      {!asked.data && !asked.error && <Skeleton lines={3} />}
      {asked.data && !asked.error && (
        <figure class="example" aria-live="polite">
          <figcaption class="muted">A message to it, of an example:</figcaption>
          <b>{asked.data.title}</b>
          <pre>{asked.data.text}</pre>
        </figure>
      )}
    </details>
  );
}
