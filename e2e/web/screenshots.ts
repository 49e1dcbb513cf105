import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { loaded, placesOf } from "./support/places.ts";
import { Server } from "./support/server.ts";
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

// The jobs of sample-data.json have run for a while: some of them succeed, others fail, each in its way.
test("screenshots", async ({ page, guard, receiver }) => {
  guard.allow(/./); // pictures are no proof
  const server = await Server.start();
  const text = readFileSync(path("../../sample-data.json"), "utf8").replaceAll("http://127.0.0.1:4444", receiver.url);
  const jobs = JSON.parse(text) as unknown[];
  await server.request("POST", "/jobs/import", jobs.map((job) => JSON.stringify(job)).join("\n"));
  const failed = async (): Promise<number> =>
    (await server.request<Found>("GET", "/executions?status=FAILED&limit=10")).executions.length;
  await expect.poll(failed, { timeout: 120_000 }).toBeGreaterThan(3);
  const overview = await page.context().newPage(); // its charts grow while the other views are taken
  await overview.goto(`${server.url}/ui/`, { waitUntil: "domcontentloaded" });
  for (const [name, at] of await placesOf(page, server)) {
    if (name === "overview") continue;
    await page.goto(server.url + at, { waitUntil: "domcontentloaded" });
    await loaded(page, 15_000).catch(() => undefined);
    await shoot(page, name);
  }
  await shoot(overview, "overview");
  await server.stop();
});
