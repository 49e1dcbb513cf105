import type { Page } from "@playwright/test";
import { axe } from "./support/axe.ts";
import { expectNoShift, expectNoSideScroll, watchShifts } from "./support/layout.ts";
import { filled, type Filled } from "./support/samples.ts";
import { expect, test as base } from "./support/test.ts";

// Every view, on a server that has a bit of everything: axe in both colours, 360 px, and no fault of the guard.

const test = base.extend<object, { sample: Filled }>({
  sample: [
    async ({}, use) => {
      const f = await filled();
      await use(f);
      await f.stop();
    },
    { scope: "worker" },
  ],
});

export const views: [name: string, path: (f: Filled) => string, ready: (page: Page) => Promise<void>][] = [
  ["overview", () => "/ui/", (p) => seen(p, "Overview")],
  ["jobs", () => "/ui/jobs", (p) => rows(p, "Jobs")],
  ["job", (f) => `/ui/jobs/${f.good}`, (p) => shows(p, "Version 2")],
  ["failing job", (f) => `/ui/jobs/${f.bad}`, (p) => shows(p, "Version 1")],
  ["new job", () => "/ui/jobs/new?schedule=0+30+2+*+*+*&timezone=Europe/Berlin", (p) => shows(p, "When clocks change")],
  ["edit", (f) => `/ui/jobs/${f.good}/edit`, (p) => shows(p, "Next fires")],
  ["execution", (f) => `/ui/executions/${f.failed}`, (p) => shows(p, "What was sent")],
  ["running", () => "/ui/running", (p) => rows(p, "Running now")],
  ["failed", () => "/ui/failed", (p) => rows(p, "Failed")],
  ["alerts", () => "/ui/alerts", (p) => rows(p, "Alerts")],
  ["groups", () => "/ui/alerts/groups", (p) => rows(p, "Groups")],
  ["notifications", () => "/ui/alerts/notifications", (p) => rows(p, "Notifications")],
  ["rules", () => "/ui/alerts/rules", (p) => rows(p, "Rules")],
  ["silences", () => "/ui/alerts/silences", (p) => shows(p, "At 02:00:00 every day")],
  ["channels", () => "/ui/alerts/channels", (p) => rows(p, "Channels")],
  ["forecast", () => "/ui/forecast", (p) => shows(p, "Computed")],
  ["proof", () => "/ui/proof", (p) => shows(p, "All audited")],
  ["hosts", () => "/ui/hosts", (p) => rows(p, "Hosts")],
  ["cluster", () => "/ui/cluster", (p) => rows(p, "Cluster")],
  ["operations", (f) => `/ui/operations?id=${f.operation}`, (p) => rows(p, "Operations")],
  ["changes", () => "/ui/changes", (p) => rows(p, "Changes")],
  ["keys", () => "/ui/keys", (p) => shows(p, "There are no keys")],
  ["settings", () => "/ui/settings", (p) => rows(p, "Settings")],
  ["nothing", () => "/ui/nothing", (p) => seen(p, "Nothing here")],
];

// badCards returns what cannot be read of tables whose rows are cards in a narrow window: what is cut off on a side, and
// cells without the name of their column.
function badCards(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const faults: string[] = [];
    for (const table of document.querySelectorAll(".cards")) {
      if (table.scrollWidth > table.parentElement!.clientWidth) faults.push("the table is cut off");
      const heads = [...table.querySelectorAll("thead th, thead td")].map((th) => th.textContent);
      for (const td of table.querySelectorAll("tbody td:not(:empty, [colspan])")) {
        const name = getComputedStyle(td, "::before").content;
        const head = heads[(td as HTMLTableCellElement).cellIndex];
        const buttons = td.querySelector(".actions") !== null;
        if (name !== (buttons ? "none" : JSON.stringify(head))) faults.push(`${head} is called ${name}`);
      }
    }
    return faults;
  });
}

async function seen(page: Page, title: string): Promise<void> {
  await expect(page.getByRole("heading", { level: 1, name: title })).toBeVisible();
}

async function rows(page: Page, title: string): Promise<void> {
  await seen(page, title);
  await expect(page.locator("tbody tr:not([aria-hidden])").first()).toBeVisible();
}

async function shows(page: Page, text: string): Promise<void> {
  await expect(page.getByText(text).first()).toBeVisible();
}

for (const [name, path, ready] of views) {
  test(`${name}: axe finds nothing, in both colours and at 360 px, and nothing jumps`, async ({ page, sample }) => {
    await watchShifts(page);
    await page.goto(sample.server.url + path(sample));
    await ready(page);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      expect(await axe(page), colorScheme).toEqual([]);
      expect(await page.evaluate(() => document.getAnimations().length), "with reduced motion").toBe(0);
    }
    await expectNoShift(page, "wide"); // axe has taken seconds, in which all was loaded
    await page.setViewportSize({ width: 640, height: 400 }); // a window of 1280 at 200 %
    await expectNoSideScroll(page);
    await page.emulateMedia({ media: "print" });
    await expect(page.getByRole("navigation")).toBeHidden();
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await page.emulateMedia({ media: "screen" });
    await page.setViewportSize({ width: 360, height: 740 });
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expectNoSideScroll(page);
    await page.reload();
    await ready(page);
    expect(await axe(page), "narrow").toEqual([]);
    expect(await badCards(page)).toEqual([]);
    await expectNoShift(page, "narrow");
  });
}
