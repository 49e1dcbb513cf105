// The hosts that are called: whether they answer, how busy they are, and until when their certificates are valid.
import { count, duration, plural } from "../format.ts";
import { href, setQuery, usePlace } from "../router.ts";
import type { Host } from "../types.gen.ts";
import { Choice, ErrorNote, Head, PartialNote, Skeleton, Time } from "../ui/basics.tsx";
import { Empty } from "../ui/empty.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { useApi } from "../use.ts";

const sorts = [
  ["", "Busiest first"],
  ["certificate", "Certificates that expire first"],
] as const;

const states: Record<Host["state"], { text: string; tone: string }> = {
  answering: { text: "Answering", tone: "s-success" },
  connecting: { text: "Connecting", tone: "s-running" },
  hanging: { text: "Hanging", tone: "warn" },
  silent: { text: "Silent", tone: "s-failed" },
  refusing: { text: "Refusing", tone: "s-failed" },
  idle: { text: "Idle", tone: "" },
};

const columns: Column[] = [
  "Host",
  "State",
  ...["In flight", "Limit", "Queued", "Lately", "Usual time", "Connections"].map(
    (title) => ({ title, num: true }) as const,
  ),
  "Certificate",
  "Last error",
];

export function Hosts() {
  const sort = (usePlace().query.get("sort") ?? "") as (typeof sorts)[number][0];
  const query = { limit: 200, ...(sort ? { sort } : {}) };
  const asked = useApi("GET /hosts", { query }, { every: 2000, keep: true });
  const hosts = asked.data?.hosts;
  return (
    <>
      <Head
        title="Hosts"
        sub={
          asked.data
            ? `${plural(asked.data.total, "host was", "hosts were")} called lately`
            : "The hosts that are called"
        }
      />
      <ErrorNote error={asked.error} />
      <PartialNote of="GET /hosts" what="Its calls are not counted here." />
      <div class="filters">
        <Choice label="Sort" value={sort} options={sorts} onChange={(s) => setQuery({ sort: s })} />
      </div>
      {!hosts && !asked.error && <Skeleton height={300} />}
      {hosts?.length === 0 && (
        <div class="empty">
          <Empty>No host was called yet.</Empty>
        </div>
      )}
      {hosts && hosts.length > 0 && (
        <div class="panel hosts">
          <Table label="The hosts" columns={columns}>
            {hosts.map((h) => (
              <Row key={h.host} host={h} />
            ))}
          </Table>
        </div>
      )}
    </>
  );
}

function Row({ host: h }: { host: Host }) {
  const { text, tone } = states[h.state];
  return (
    <tr>
      <th scope="row">
        <a href={href("/jobs", { host: h.host })}>{h.host}</a>
      </th>
      <td>
        <span class={`badge ${tone}`}>{text}</span>
      </td>
      <td class="num">{count(h.calls)}</td>
      <td class="num">{h.limit === null ? "–" : count(h.limit)}</td>
      <td class="num">
        {count(h.queued)}
        {h.spans > 0 && <small class="muted second">and {plural(h.spans, "range")}</small>}
      </td>
      <td class="num">{count(h.recentCalls)}</td>
      <td class="num">{h.usualMs === null ? "–" : duration(h.usualMs)}</td>
      <td class="num">
        {count(h.connections.open)}
        <small class="muted second">{count(h.connections.idle)} idle</small>
      </td>
      <td>
        {!h.certificate && <span class="muted">–</span>}
        {h.certificate && !h.certificate.verified && (
          <span class="badge warn" title={h.certificate.reason ?? ""}>
            Not valid
          </span>
        )}
        {h.certificate && (
          <small class="second">
            until <Time at={h.certificate.expiresAt} line />
          </small>
        )}
      </td>
      <td class="wide">
        {h.lastError ? (
          <>
            {h.lastError.error}
            <small class="muted second">
              <Time at={h.lastError.at} line />
            </small>
          </>
        ) : (
          <span class="muted">none</span>
        )}
      </td>
    </tr>
  );
}
