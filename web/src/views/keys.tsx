// API keys: making one, which is shown once, and revoking one.
import { useRef, useState } from "preact/hooks";
import { call } from "../api.ts";
import { Once } from "../once.ts";
import type { CreatedKey, Key, NewKey } from "../types.gen.ts";
import { Copy, ErrorNote, FieldError, Head, Time } from "../ui/basics.tsx";
import { Dialog, say } from "../ui/dialog.tsx";
import { Confirm } from "../ui/settingform.tsx";
import { RowActions, SettingTable } from "../ui/settingtable.tsx";
import { useApi } from "../use.ts";

export function Keys() {
  const asked = useApi("GET /keys");
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<CreatedKey>();
  const [revoking, setRevoking] = useState<Key>();
  const keys = asked.data?.keys;
  return (
    <>
      <Head title="Keys" sub="API keys that are not revoked. Those of the settings are not among them.">
        <button type="button" class="primary" onClick={() => setMaking(true)}>
          New key
        </button>
      </Head>
      <SettingTable
        asked={asked}
        rows={keys}
        label="The keys"
        columns={["Name", "Role", "Namespace", "Created", "Last used", "Expires"]}
        height={300}
        empty={
          <div class="empty">
            <p>There are no keys.</p>
            <p>
              With the first one every call needs a key, this page too. It must be an admin’s, without an expiry. The
              server may then listen on other addresses than this machine’s.
            </p>
          </div>
        }
      >
        {(k) => <Row key={k.id} of={k} onRevoke={() => setRevoking(k)} />}
      </SettingTable>
      {making && (
        <Make
          first={keys?.length === 0}
          onClose={() => setMaking(false)}
          onMade={(key) => {
            setMaking(false);
            setMade(key);
          }}
        />
      )}
      {made && (
        <Made
          made={made}
          onClose={() => {
            setMade(undefined);
            asked.reload(); // not before: after the first key of all it is refused, and the only copy would be gone
          }}
        />
      )}
      {revoking && (
        <Revoke
          revoked={revoking}
          onClose={() => {
            setRevoking(undefined);
            asked.reload();
          }}
        />
      )}
    </>
  );
}

function Row({ of: k, onRevoke }: { of: Key; onRevoke: () => void }) {
  return (
    <tr>
      <th scope="row">
        <b>{k.name}</b>
        <small class="muted second">
          <code>{k.id}</code>
        </small>
      </th>
      <td>{k.role}</td>
      <td>{k.namespace ?? <span class="muted">all</span>}</td>
      <td>
        <Time at={k.createdAt} />
      </td>
      <td>
        <Time at={k.lastUsedAt} none="never" />
      </td>
      <td>
        <Time at={k.expiresAt} none="never" />
      </td>
      <td>
        <RowActions name={k.name} remove="Revoke" onRemove={onRevoke} />
      </td>
    </tr>
  );
}

const roles: [Key["role"], string][] = [
  ["viewer", "viewer: reads"],
  ["editor", "editor: also changes and triggers jobs"],
  ["admin", "admin: also keys and the audit trail"],
];

/** The fields of a new key, beside which it is said what is wrong with them. */
const keyFields = ["name", "role", "namespace", "expiresAt"];

function Make(props: { first: boolean; onClose: () => void; onMade: (key: CreatedKey) => void }) {
  const [error, setError] = useState<Error>();
  const [busy, setBusy] = useState(false);
  const once = useRef(new Once());
  const submit = async (form: HTMLFormElement): Promise<void> => {
    const data = new FormData(form);
    const get = (name: string): string => String(data.get(name) ?? "").trim();
    const key: NewKey = { name: get("name"), role: get("role") as Key["role"] };
    if (get("namespace")) key.namespace = get("namespace");
    if (get("expiresAt")) key.expiresAt = new Date(get("expiresAt")).getTime();
    setBusy(true);
    try {
      props.onMade(
        await once.current.send(JSON.stringify(key), (headers) => call("POST /keys", { body: key, headers })),
      );
    } catch (err) {
      setError(err as Error);
      setBusy(false);
    }
  };
  return (
    <Dialog title="New key" onClose={props.onClose}>
      <form
        class="ask"
        onSubmit={(e) => {
          e.preventDefault();
          void submit(e.currentTarget);
        }}
      >
        {props.first && <p class="note warn">From the first key on every call needs one. Keep it before you go on.</p>}
        <div>
          <label>
            Who or what will use it
            <input name="name" autocomplete="off" placeholder="CI of team billing" aria-describedby="e-name" />
          </label>
          <FieldError error={error} field="name" id="e-name" />
        </div>
        <div>
          <label>
            Role
            <select name="role" aria-describedby="e-role">
              {roles
                .filter(([role]) => !props.first || role === "admin")
                .map(([role, text]) => (
                  <option key={role} value={role}>
                    {text}
                  </option>
                ))}
            </select>
          </label>
          <FieldError error={error} field="role" id="e-role" />
        </div>
        <div>
          <label>
            The only namespace that it sees; empty: all
            <input name="namespace" autocomplete="off" spellcheck={false} aria-describedby="e-namespace" />
          </label>
          <FieldError error={error} field="namespace" id="e-namespace" />
        </div>
        <div>
          <label>
            Expires, in the zone of this browser; empty: never
            <input name="expiresAt" type="datetime-local" aria-describedby="e-expires" />
          </label>
          <FieldError error={error} field="expiresAt" id="e-expires" />
        </div>
        <ErrorNote error={error} beside={(field) => keyFields.includes(field)} />
        <div class="actions end">
          <button type="button" onClick={props.onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy}>
            Make the key
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Made({ made, onClose }: { made: CreatedKey; onClose: () => void }) {
  // the first answer did not arrive, and the key was in no other
  if (!made.key) {
    return (
      <Dialog title={`The key of ${made.name} is lost`} onClose={onClose}>
        <p class="note warn">{made.message}</p>
      </Dialog>
    );
  }
  return (
    <Dialog title={`The key of ${made.name}`} onClose={onClose}>
      <div class="ask">
        <p class="note warn">This is the only time that it is shown: the server keeps no copy of it.</p>
        <pre class="text" tabIndex={0} role="region" aria-label="The key">
          {made.key}
        </pre>
        <div class="actions end">
          <Copy text={made.key} label="Copy the key" />
          <button type="button" class="primary" onClick={onClose}>
            I have kept it
          </button>
        </div>
      </div>
    </Dialog>
  );
}

function Revoke({ revoked: k, onClose }: { revoked: Key; onClose: () => void }) {
  const revoke = async (): Promise<void> => {
    say((await call("DELETE /keys/{id}", { path: { id: k.id } })).message);
  };
  return (
    <Confirm title="Revoke the key?" does="Revoke the key" act={revoke} onClose={onClose}>
      Whoever uses the key <b>{k.name}</b> ({k.role}) is refused from now on. It cannot be brought back.
    </Confirm>
  );
}
