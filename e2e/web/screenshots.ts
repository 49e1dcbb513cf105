import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { loaded, placesOf } from "./support/places.ts";
import { type Receiver, Server } from "./support/server.ts";
import { expect, test } from "./support/test.ts";

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const folder = path("../../bin/screenshots");

interface Found {
  executions: { id: string; jobId: string }[];
}

async function shoot(page: Page, name: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.setViewportSize({ width: 1280, height: 860 });
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.screenshot({ path: `${folder}/${name}-${colorScheme}.png` });
  }
  await page.setViewportSize({ width: 360, height: 740 });
  await page.screenshot({ path: `${folder}/${name}-narrow.png` });
}

// alerting sets up what the views about alerts show: channels of which one fails, a rule, a silence and a window.
async function alerting(server: Server, receiver: Receiver): Promise<void> {
  const hour = 3_600_000;
  for (const [id, path] of [
    ["ops", "ok"],
    ["oncall", "status/503"],
  ]) {
    const secrets = { url: `${receiver.url}/${path}` };
    await server.request("PUT", `/alerts/channels/${id}`, { kind: "WEBHOOK", default: true, secrets });
  }
  await server.request("PUT", "/alerts/rules/often", {
    ...{ name: "Fails often", match: { tag: "failing" }, when: { kind: "FAILED_OF_LAST", count: 3, of: 10 } },
    ...{ channels: ["ops"], level: "WARNING", groupBy: "JOB" },
  });
  await server.request("POST", "/alerts/silences", {
    ...{ reason: "the disks of the target are changed", durationMs: 2 * hour, match: { tag: "slow" } },
  });
  await server.request("PUT", "/alerts/windows/backup", {
    ...{ reason: "weekly backup", schedule: "0 0 2 * * SUN", timezone: "Europe/Berlin", durationMs: 2 * hour },
  });
}

// The jobs of sample-data.json have run for a while: some of them succeed, others fail, each in its way.
test("screenshots", async ({ page, guard, receiver }) => {
  guard.allow(/./); // pictures are no proof
  const server = await Server.start();
  const text = readFileSync(path("../../sample-data.json"), "utf8").replaceAll("http://127.0.0.1:4444", receiver.url);
  const jobs = JSON.parse(text) as unknown[];
  await alerting(server, receiver);
  await server.request("POST", "/jobs/import", jobs.map((job) => JSON.stringify(job)).join("\n"));
  const failed = async (): Promise<number> =>
    (await server.request<Found>("GET", "/executions?status=FAILED&limit=30")).executions.length;
  const overview = await page.context().newPage(); // its charts grow until the other views are taken
  await overview.goto(`${server.url}/ui/`, { waitUntil: "domcontentloaded" });
  await expect.poll(failed, { timeout: 240_000 }).toBeGreaterThan(20);
  for (const [name, at] of await placesOf(page, server)) {
    if (name === "overview") continue;
    await page.goto(server.url + at, { waitUntil: "domcontentloaded" });
    await loaded(page, 15_000).catch(() => undefined);
    await shoot(page, name);
  }
  await shoot(overview, "overview");
  await server.stop();
});
