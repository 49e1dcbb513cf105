// Who did what: the audit trail, with what each change has changed.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { settingOf } from "../alerting.ts";
import { call } from "../api.ts";
import { count, plural } from "../format.ts";
import { href, setQuery, usePlace } from "../router.ts";
import type { Change } from "../types.gen.ts";
import { Head, Icon, Time } from "../ui/basics.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Empty } from "../ui/empty.tsx";
import { JobLink } from "../ui/job.tsx";
import { type Column, List } from "../ui/list.tsx";
import { usePages } from "../use.ts";
import { authorOf } from "../words.ts";
import { type Difference, differences, fieldsThatDiffer } from "./diff.ts";

const words: Record<Change["action"], string> = {
  CREATE: "Made a job",
  UPDATE: "Changed a job",
  DELETE: "Deleted a job",
  TRIGGER: "Triggered a job",
  TEST: "Sent a test call",
  IMPORT: "Imported jobs",
  BULK: "Began an operation",
  CANCEL: "Cancelled an operation",
  EXPORT: "Exported",
  REVEAL: "Exported with secrets",
  REFUSE: "Was refused",
  KEY_CREATE: "Made a key",
  KEY_REVOKE: "Revoked a key",
  SIGN_IN: "Signed in",
  SIGN_OUT: "Signed out",
  SETTING_CREATE: "Made a setting of alerts",
  SETTING_UPDATE: "Changed a setting of alerts",
  SETTING_DELETE: "Deleted a setting of alerts",
  CHANNEL_TEST: "Tried a channel",
  NODE_DRAIN: "Drained a server",
  NODE_RESUME: "Resumed a server",
  ALERT_ACKNOWLEDGE: "Acknowledged alerts",
  NOTIFICATION_RESEND: "Sent a message again",
};

const filters = ["jobId", "requestId", "operationId"] as const;

export function Changes() {
  const { query } = usePlace();
  const q: Record<string, string> = {};
  for (const f of filters) if (query.get(f)) q[f] = query.get(f) ?? "";
  const [shown, show] = useState<Change>();
  const pages = usePages<Change>(`changes ${JSON.stringify(q)}`, async (cursor, signal) => {
    const page = await call("GET /audit/changes", {
      query: { ...q, limit: 50, ...(cursor ? { cursor } : {}) },
      signal,
    });
    return { items: page.changes, ...(page.nextCursor ? { cursor: page.nextCursor } : {}) };
  });
  return (
    <>
      <Head title="Changes" sub="Who did what, the newest first">
        <button type="button" onClick={pages.reload}>
          Look again
        </button>
      </Head>
      {Object.keys(q).length > 0 && (
        <div class="filters">
          {Object.entries(q).map(([name, value]) => (
            <span key={name} class="tag">
              {name} <code>{value}</code>
            </span>
          ))}
          <button type="button" class="quiet" onClick={() => setQuery({ jobId: "", requestId: "", operationId: "" })}>
            All changes
          </button>
        </div>
      )}
      <List
        title="Changes"
        pages={pages}
        id={(c) => `${c.at} ${c.requestId ?? ""} ${c.action} ${c.jobId ?? c.key?.id ?? ""} ${c.version ?? ""}`}
        columns={columns(show)}
        empty={<Empty>Nothing was changed yet.</Empty>}
      />
      {shown && <Details change={shown} onClose={() => show(undefined)} />}
    </>
  );
}

const columns = (show: (c: Change) => void): Column<Change>[] => [
  { name: "at", title: "When", cell: (c) => <Time at={c.at} /> },
  { name: "by", title: "Who", cell: (c) => <Author change={c} /> },
  {
    name: "action",
    title: "What",
    cell: (c) => (
      <div>
        <b>{actionOf(c)}</b>
        <small class="second muted">{detailOf(c)}</small>
      </div>
    ),
  },
  { name: "job", title: "With what", cell: (c) => <Subject change={c} /> },
  {
    name: "show",
    title: "Details",
    cell: (c) => (
      <button type="button" class="quiet" aria-label={`Details: ${actionOf(c)}`} onClick={() => show(c)}>
        <Icon name="search" /> Details
      </button>
    ),
  },
];

function actionOf(c: Change): string {
  if (c.action === "UPDATE" && c.before && c.after && c.before.isActive !== c.after.isActive) {
    return c.after.isActive ? "Resumed a job" : "Paused a job";
  }
  const setting = settingIn(c);
  if (setting) return words[c.action].replace("setting of alerts", setting.what);
  return words[c.action] ?? c.action;
}

/** What of the alerts a change is about. */
const settingIn = (c: Change) =>
  c.action.startsWith("SETTING_") || c.action === "CHANNEL_TEST" ? settingOf(c.detail ?? "") : undefined;

function detailOf(c: Change): string {
  const parts = [
    settingIn(c) ? "" : c.detail,
    c.count === null ? "" : plural(c.count, "item"),
    c.times ? `${count(c.times)} times` : "",
  ];
  if (c.action === "UPDATE")
    parts.push(
      changed(c)
        .map((d) => d.field)
        .join(", "),
    );
  return parts.filter(Boolean).join(" · ");
}

/** What an UPDATE has changed. */
function changed(c: Change): Difference[] {
  if (!c.before || !c.after) return [];
  return differences(c.before, c.after, fieldsThatDiffer(c.before, c.after));
}

function Author({ change: { by } }: { change: Change }) {
  return (
    <div>
      {authorOf(by)}
      <small class="second muted">{by.address ?? ""}</small>
    </div>
  );
}

function Subject({ change: c }: { change: Change }) {
  if (c.operationId) return <a href={href("/operations", { id: c.operationId })}>Operation</a>;
  if (c.jobId && c.action !== "DELETE") return <JobLink id={c.jobId} />;
  if (c.jobId) return <span>{c.before?.spec.name ?? <code>{c.jobId}</code>}</span>;
  const setting = settingIn(c);
  if (setting) return <a href={href(setting.path)}>{setting.id}</a>;
  if (c.key) return <span>{c.key.name ?? <code>{c.key.id}</code>}</span>;
  return <span class="muted">–</span>;
}

function Details({ change: c, onClose }: { change: Change; onClose: () => void }) {
  const list = changed(c);
  const rows: [string, ComponentChildren][] = [
    ["When", <Time key="at" at={c.at} line />],
    ["Who", <Author key="by" change={c} />],
    ["Key", <code key="key">{c.by.key}</code>],
    ["Request", c.requestId && <code key="request">{c.requestId}</code>],
    ["Job", c.jobId && <code key="job">{c.jobId}</code>],
    ["Version", c.version],
    [
      "Execution",
      c.executionId && (
        <a key="e" href={href(`/executions/${c.executionId}`)}>
          {c.executionId}
        </a>
      ),
    ],
  ];
  return (
    <Dialog title={actionOf(c)} wide onClose={onClose}>
      <dl class="details">
        {rows.map(
          ([name, value]) =>
            value !== null &&
            value !== undefined &&
            value !== "" && (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ),
        )}
      </dl>
      {list.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="What it has changed">
          <table class="plain difference">
            <thead>
              <tr>
                <th scope="col">Field</th>
                <th scope="col">Before</th>
                <th scope="col">After</th>
              </tr>
            </thead>
            <tbody>
              {list.map((d) => (
                <tr key={d.field}>
                  <th scope="row">{d.field}</th>
                  <td>
                    <code>{d.before}</code>
                  </td>
                  <td>
                    <code>{d.after}</code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Dialog>
  );
}
