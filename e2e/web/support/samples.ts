import { Receiver, Server } from "./server.ts";

// Filled is a server that has a bit of everything, and the ids of some of it.
export interface Filled {
  server: Server;
  receiver: Receiver;
  good: string;
  bad: string;
  slow: string;
  /** An execution of bad that has failed. */
  failed: string;
  operation: string;
  stop(): Promise<void>;
}

interface Executions {
  executions: { id: string; status: string; jobId: string }[];
}

const every = "* * * * * *";

// filled starts a server and a receiver, and waits until jobs have succeeded, failed, and been skipped.
export async function filled(): Promise<Filled> {
  const receiver = await Receiver.start();
  const server = await Server.start();
  const good = await server.createJob({
    name: "Heartbeat",
    schedule: every,
    api: `${receiver.url}/ok`,
    tags: ["sample", "well"],
    headers: { Authorization: "Bearer secret" },
  });
  const bad = await server.createJob({
    name: "Dead port: nothing listens there, so that each call is refused",
    schedule: every,
    api: "http://127.0.0.1:9/a/long/path/that/does/not/fit/into/a/narrow/window",
    retry: { maxRetries: 1, delayMs: 100 },
    tags: ["sample", "failing"],
  });
  const slow = await server.createJob({
    name: "Slow",
    schedule: every,
    api: `${receiver.url}/slow?ms=2500`,
    overlap: "SKIP",
  });
  await server.createJob({ name: "Nightly", schedule: "0 30 2 * * *", timezone: "Europe/Berlin" });
  await server.request("PUT", `/jobs/${good}`, { retry: { maxRetries: 2 } });
  const ask = { action: "TAG", ids: [good, bad], tags: { add: ["tagged"] } };
  const operation = await server.request<{ id: string }>("POST", "/jobs/bulk", ask);
  await alerting(server, receiver, good);
  const failed = await until(server, `/executions?status=FAILED&jobId=${bad}&limit=1`);
  await until(server, `/executions?status=SKIPPED&jobId=${slow}&limit=1`);
  await until(server, `/executions?status=SUCCESS&jobId=${good}&limit=1`);
  const stop = async (): Promise<void> => {
    await server.stop();
    await receiver.stop();
  };
  return { server, receiver, good, bad, slow, failed, operation: operation.id, stop };
}

// alerting makes one of each thing that is configured about alerts.
async function alerting(server: Server, receiver: Receiver, good: string): Promise<void> {
  const secrets = { url: `${receiver.url}/ok` };
  await server.request("PUT", "/alerts/channels/ops", { kind: "WEBHOOK", default: true, secrets });
  const when = { kind: "FAILED_OF_LAST", count: 3, of: 10 };
  const match = { tag: "sample", host: "127.0.0.1:9" };
  await server.request("PUT", "/alerts/rules/often", { name: "Fails often", match, when, channels: ["ops"] });
  await server.request("PUT", "/alerts/rules/default", { waitMs: 0 });
  const silence = { reason: "it is being moved", match: { jobs: [good] }, durationMs: 3_600_000 };
  await server.request("POST", "/alerts/silences", silence);
  await server.request("POST", "/alerts/silences", { ...silence, startsAt: Date.now() + 3_600_000 });
  const window = { reason: "backup", schedule: "0 0 2 * * *", timezone: "Europe/Berlin", durationMs: 5_400_000 };
  await server.request("PUT", "/alerts/windows/backup", { ...window, match: { host: "db.example.com" } });
}

// until asks until a list has an execution, and returns its id. A server that is busy may take a while.
async function until(server: Server, path: string): Promise<string> {
  for (let n = 0; n < 300; n++) {
    const found = (await server.request<Executions>("GET", path)).executions[0];
    if (found) {
      return found.id;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${path} found nothing:\n${server.log()}`);
}
