import type { Page } from "@playwright/test";
import type { Server } from "./server.ts";
import { expect } from "./test.ts";

interface Executions {
  executions: { id: string; jobId: string }[];
}

export type Place = [name: string, address: string];

// placesOf returns the address of every view: those of the navigation, and those of one job and one execution, where
// there are some.
export async function placesOf(page: Page, server: Server): Promise<Place[]> {
  await page.goto(`${server.url}/ui/`, { waitUntil: "domcontentloaded" });
  const links = page.getByRole("navigation", { name: "Views" }).locator('a[href^="/ui"]');
  await expect(links.first()).toBeAttached();
  const places: Place[] = [["overview", "/ui/"]];
  for (const href of await links.evaluateAll((all) => all.map((a) => a.getAttribute("href") ?? ""))) {
    const name = href.split("/").at(-1);
    if (name) places.push([name, href]);
  }
  for (const name of ["groups", "notifications", "rules", "silences", "channels"]) {
    places.push([name, `/ui/alerts/${name}`]);
  }
  places.push(["new", "/ui/jobs/new?schedule=0+30+2+*+*+*&timezone=Europe/Berlin"]);
  const failed = (await server.request<Executions>("GET", "/executions?status=FAILED&limit=1")).executions[0];
  const job = failed?.jobId ?? (await server.request<{ jobs: { id: string }[] }>("GET", "/jobs?limit=1")).jobs[0]?.id;
  if (job) places.push(["job", `/ui/jobs/${job}`], ["edit", `/ui/jobs/${job}/edit`]);
  if (failed) places.push(["execution", `/ui/executions/${failed.id}`]);
  return places;
}

// loaded waits until nothing in the window is still to come, and returns after how many milliseconds that was. Rows
// below the window may wait until somebody scrolls there.
export async function loaded(page: Page, timeout = 120_000): Promise<number> {
  const done = await page.waitForFunction(
    () => {
      const waits = [...document.querySelectorAll(".skeleton, .waiting")];
      const seen = waits.some((e) => e.getBoundingClientRect().top < innerHeight);
      return document.querySelector("main h1") && !seen && performance.now();
    },
    undefined,
    { timeout, polling: "raf" },
  );
  return (await done.jsonValue()) as number;
}
