// The servers on the database: which are there, and what each fires.
import { count, duration } from "../format.ts";
import type { Cluster, Node } from "../types.gen.ts";
import { ErrorNote, Head, Panel, Skeleton, Stat } from "../ui/basics.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { useApi } from "../use.ts";

export function ClusterView() {
  const asked = useApi("GET /cluster", {}, { every: 2000, keep: true });
  const c = asked.data;
  return (
    <>
      <Head title="Cluster" sub="The servers that share the database and its jobs" />
      <ErrorNote error={asked.error} />
      {!c && !asked.error && <Skeleton height={300} />}
      {c && <Figures cluster={c} />}
      {c && (
        <Panel title="Servers">
          <Servers nodes={c.nodes} />
        </Panel>
      )}
    </>
  );
}

function Figures({ cluster: { nodes, shards, database: d } }: { cluster: Cluster }) {
  const ahead = d.clockAheadMs;
  return (
    <dl class="stats">
      <Stat label="Servers" value={nodes.filter((n) => n.state === "active").length} sub={`of ${nodes.length} known`} />
      <Stat
        label="Shards with a server"
        value={`${shards.owned} of ${shards.total}`}
        tone={shards.owned === shards.total ? "good" : "warn"}
        sub={`${shards.free} free, ${shards.moving} taken over`}
      />
      <Stat
        label="Database"
        value={d.kind === "sqlite" ? "SQLite" : "PostgreSQL"}
        sub={d.replication ? `replication ${d.replication}` : d.kind === "sqlite" ? "files of this server" : " "}
      />
      {d.latencyMs !== null && <Stat label="Its last answer took" value={duration(d.latencyMs)} />}
      {ahead !== null && (
        <Stat label="Clock of this server" value={duration(Math.abs(ahead))} sub={ahead < 0 ? "behind" : "ahead"} />
      )}
    </dl>
  );
}

const tones: Record<Node["state"], string> = { active: "s-success", draining: "warn", gone: "s-failed" };

const columns: Column[] = [
  "Server",
  "State",
  "Role",
  { title: "Shards", num: true },
  { title: "Seen", num: true },
  { title: "Record behind by", num: true },
  "Version",
];

function Servers({ nodes }: { nodes: Node[] }) {
  return (
    <Table label="The servers" columns={columns}>
      {nodes.map((n) => (
        <tr key={n.name}>
          <th scope="row">
            <b>{n.name}</b> {n.self && <span class="tag">answers this page</span>}
            <small class="muted second">{n.address || "cannot be reached by others"}</small>
          </th>
          <td>
            <span class={`badge ${tones[n.state]}`}>{n.state}</span>
          </td>
          <td>{n.role}</td>
          <td class="num">{count(n.shards)}</td>
          <td class="num">{duration(n.seenAgoMs)} ago</td>
          <td class="num">{n.watermarkLagMs === null ? "–" : duration(n.watermarkLagMs)}</td>
          <td>{n.version}</td>
        </tr>
      ))}
    </Table>
  );
}
