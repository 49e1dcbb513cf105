// What the server was started with, and where each setting is from.
import { useState } from "preact/hooks";
import type { Setting } from "../types.gen.ts";
import { ErrorNote, Head, Skeleton } from "../ui/basics.tsx";
import { Table } from "../ui/table.tsx";
import { useApi } from "../use.ts";

export function Settings() {
  const asked = useApi("GET /settings");
  const [own, setOwn] = useState(false);
  const all = asked.data?.settings;
  const shown = own ? all?.filter((s) => s.source !== "default") : all;
  return (
    <>
      <Head
        title="Settings"
        sub="What the server that answers was started with. They change when it is started again; nothing can be changed here."
      />
      <ErrorNote error={asked.error} retry={asked.reload} />
      <div class="filters">
        <label>
          <input type="checkbox" checked={own} onChange={(e) => setOwn(e.currentTarget.checked)} />
          Only what is set
        </label>
      </div>
      {!all && !asked.error && <Skeleton height={600} />}
      {shown && (
        <div class="panel settings">
          <Table label="Settings" columns={["Setting", "Value", "From"]}>
            {shown.map((s) => (
              <Row key={s.key} setting={s} />
            ))}
          </Table>
          {shown.length === 0 && <p class="muted">Every setting has its default.</p>}
        </div>
      )}
    </>
  );
}

function Row({ setting: s }: { setting: Setting }) {
  const names = [s.variable, s.flag && `--${s.flag}`].filter(Boolean).join(", ");
  return (
    <tr>
      <th scope="row">
        <code>{s.key}</code>
        <small class="muted second">{s.usage}</small>
      </th>
      <td>
        {s.value === "" ? <span class="muted">none</span> : <code>{s.value}</code>}
        {s.source !== "default" && s.default !== undefined && s.default !== s.value && (
          <small class="muted second">
            default: <code>{s.default}</code>
          </small>
        )}
      </td>
      <td>
        {s.source === "default" ? <span class="muted">default</span> : <b>{s.from}</b>}
        {names && (
          <small class="muted second">
            <code>{names}</code>
          </small>
        )}
      </td>
    </tr>
  );
}
