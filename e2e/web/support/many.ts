// A generated set of jobs that looks like that of a company: teams, hosts, tags, and schedules of all kinds, few of them
// often. The same number makes the same jobs.

const teams = ["billing", "catalogue", "search", "mail", "ledger", "shipping", "identity", "reports", "risk", "mobile"];
const things = ["Sync", "Refresh", "Charge", "Remind", "Rebuild", "Expire", "Export", "Poll", "Archive", "Verify"];
const objects = ["invoices", "carts", "prices", "sessions", "orders", "images", "feeds", "contracts", "refunds", "stock"];
const zones = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Sydney"];

export const hosts = 400;

/** The host of a job, on loopback: each is one of its own for the server. */
const hostOf = (i: number): string => `127.1.${Math.floor((i % hosts) / 200)}.${1 + (i % 200)}`;

/** A job of a thousand fires each minute, five each hour, most each day, and some each month. */
function scheduleOf(i: number): string {
  const [second, minute, hour] = [i % 60, Math.floor(i / 60) % 60, Math.floor(i / 3600) % 24];
  if (i % 1000 === 0) return `${(i / 1000) % 60} * * * * *`;
  if (i % 1000 < 6) return `${second} ${minute} * * * *`;
  if (i % 10 === 7) return `${second} ${minute} ${hour} ${1 + (i % 28)} * *`;
  return `${second} ${minute} ${hour} * * *`;
}

/** A job of the set, as POST /jobs/import takes it. */
function jobOf(i: number, port: string): Record<string, unknown> {
  const pick = <T>(all: T[], by: number): T => all[Math.floor(i / by) % all.length]!;
  const team = pick(teams, 1);
  const path = i % 5000 === 0 ? "status/500" : "ok";
  return {
    name: `${pick(things, 10)} ${pick(objects, 100)} of tenant ${String(i).padStart(7, "0")}`,
    schedule: scheduleOf(i),
    timezone: pick(zones, 7),
    api: `http://${hostOf(i)}:${port}/${path}?tenant=${i}`,
    type: i % 3 === 0 ? "ATMOST_ONCE" : "ATLEAST_ONCE",
    tags: [team, `region-${i % 12}`],
    retry: { maxRetries: 1, delayMs: 500 },
    ...(i % 40 === 1 ? { isActive: false } : {}),
  };
}

/** The jobs from one number to another as lines of JSON. port is that of a receiver on all of loopback. */
export function linesOf(from: number, to: number, port: string): string {
  const lines: string[] = [];
  for (let i = from; i < to; i++) lines.push(JSON.stringify(jobOf(i, port)));
  return lines.join("\n");
}
