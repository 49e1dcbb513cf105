import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { shiftsOf, watchShifts, wider } from "./support/layout.ts";
import { linesOf } from "./support/many.ts";
import { loaded, placesOf } from "./support/places.ts";
import { Receiver, Server } from "./support/server.ts";
import { expect, test } from "./support/test.ts";

// The page with no jobs, with three, and with a million that are generated and imported (BELFRY_MILLION_JOBS: another
// number). Each view is opened, and what people do with the list of jobs is done. bin/browser-million has the timings
// as a table, and a picture of each view.

const folder = fileURLToPath(new URL("../../bin/browser-million", import.meta.url));
const million = Number(process.env.BELFRY_MILLION_JOBS ?? 1_000_000);
const digits = new Intl.NumberFormat("en-US");

/** What was measured, by name and number of jobs. */
const table = new Map<string, Map<number, string>>();

const faults: string[] = [];

function note(what: string, jobs: number, value: string): void {
  const row = table.get(what) ?? new Map<number, string>();
  table.set(what, row.set(jobs, value));
}

const ms = (n: number): string => `${digits.format(Math.round(n))} ms`;

/** How long something takes, until what it is for can be seen. */
async function timed(what: string, jobs: number, work: () => Promise<unknown>): Promise<void> {
  const begin = performance.now();
  await work();
  note(what, jobs, ms(performance.now() - begin));
}

async function fill(server: Server, jobs: number, port: string): Promise<void> {
  const atOnce = 50_000;
  for (let from = 0; from < jobs; from += atOnce) {
    await server.request("POST", "/jobs/import", linesOf(from, Math.min(jobs, from + atOnce), port));
  }
}

async function openEach(page: Page, server: Server, jobs: number): Promise<void> {
  for (const [name, at] of await placesOf(page, server)) {
    await page.setViewportSize({ width: 1280, height: 860 });
    await page.goto(server.url + at, { waitUntil: "domcontentloaded" });
    const content = await loaded(page);
    const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0);
    note(`${name}: first paint, all shown`, jobs, `${ms(paint)}, ${ms(content)}`);
    await page.screenshot({ path: `${folder}/${name}-${jobs}.png` });
    const shift = await shiftsOf(page);
    if (shift.value > 0.05) faults.push(`${name} with ${jobs} jobs jumps by ${shift.value}\n${shift.what}`);
    await page.setViewportSize({ width: 360, height: 740 });
    faults.push(...(await wider(page)).map((line) => `${name} with ${jobs} jobs is too wide: ${line}`));
    await page.screenshot({ path: `${folder}/${name}-${jobs}-narrow.png` });
  }
  await page.setViewportSize({ width: 1280, height: 860 });
}

/** Some of the generated jobs fail each minute: the views of failures have rows then. */
async function somethingFailed(server: Server): Promise<void> {
  const failed = () => server.request<{ executions: unknown[] }>("GET", "/executions?status=FAILED&limit=1");
  await expect.poll(async () => (await failed()).executions.length, { timeout: 120_000 }).toBe(1);
}

/** With no jobs each view says what to do first. */
async function saysWhatToDo(page: Page, server: Server): Promise<void> {
  for (const view of ["", "jobs", "running", "failed", "alerts", "forecast", "hosts", "operations", "proof"]) {
    await page.goto(`${server.url}/ui/${view}`);
    const hint = page.locator("main").getByText("There are no jobs yet").first();
    await expect(hint, view).toBeVisible();
    await expect(page.locator('main a[href="/ui/jobs/new"]').first(), view).toBeVisible();
  }
}

const rows = (page: Page) => page.locator("table.list tbody tr:not([aria-hidden])");

async function first(page: Page, text: RegExp): Promise<void> {
  await expect(rows(page).first()).toContainText(text);
}

async function work(page: Page, server: Server, jobs: number): Promise<void> {
  const list = `${server.url}/ui/jobs`;
  const last = String(jobs - 1).padStart(7, "0");
  const search = page.getByRole("searchbox");
  await page.goto(list);
  await timed("all jobs are counted", jobs, () => expect(page.getByText(`${digits.format(jobs)} jobs`)).toBeVisible());
  await loaded(page);
  await timed("search: one job by its number", jobs, async () => {
    await search.fill(`tenant ${last}`);
    await first(page, new RegExp(last));
  });
  await timed("search: nothing", jobs, async () => {
    await search.fill("nowhere to be found");
    await expect(page.getByText("No job matches.")).toBeVisible();
  });
  await page.goto(list);
  await loaded(page);
  await timed("filter: failing", jobs, async () => {
    await page.getByRole("group", { name: "State" }).getByText("Failing", { exact: true }).click();
    await expect(page).toHaveURL(/state=failing/);
    await first(page, /status\/500/);
  });
  await timed("filter: paused", jobs, async () => {
    await page.getByRole("group", { name: "State" }).getByText("Paused", { exact: true }).click();
    await first(page, /Paused/);
  });
  await page.goto(list);
  await loaded(page);
  await timed("filter: a tag", jobs, async () => {
    await page.getByRole("textbox", { name: "Tag" }).fill("region-11");
    await page.keyboard.press("Enter");
    await first(page, /region-11/);
  });
  await timed("filter: a tag, all that match are counted", jobs, () =>
    expect(page.getByText(/^[\d,]+ jobs match$/)).toBeVisible(),
  );
  await timed("the question before all that match are paused", jobs, async () => {
    await page.getByRole("checkbox", { name: "Select all that are shown" }).check();
    await page.getByRole("button", { name: "Select all that match" }).click();
    await page.getByRole("button", { name: "Pause", exact: true }).click();
    await expect(page.getByRole("dialog").getByRole("button", { name: /^Pause [\d,]+ jobs/ })).toBeEnabled();
  });
  await sorts(page, list, jobs);
  await scroll(page, list, jobs);
}

async function sorts(page: Page, list: string, jobs: number): Promise<void> {
  await page.goto(list);
  await loaded(page);
  const select = page.getByRole("combobox", { name: "Sort" });
  const options = await select.locator("option").evaluateAll((all) => all.map((o) => [(o as HTMLOptionElement).value, o.textContent ?? ""]));
  for (const [value, text] of options) {
    if (!value) continue;
    const answered = page.waitForResponse((r) => r.url().includes(`sort=${encodeURIComponent(value)}`) && r.ok());
    await timed(`sort: ${text}`, jobs, async () => {
      await select.selectOption(value);
      await answered;
      await loaded(page);
    });
  }
}

async function scroll(page: Page, list: string, jobs: number): Promise<void> {
  await page.goto(list);
  await loaded(page);
  const far = page.locator('tr[aria-rowindex="1000"]');
  await timed("scroll to the thousandth row, 20 pages", jobs, () =>
    expect(async () => {
      await page.mouse.move(640, 500);
      await page.mouse.wheel(0, 1500); // less than what exists of the list: no row is passed unseen
      await expect(far).toBeVisible({ timeout: 50 });
    }).toPass({ intervals: [20] }),
  );
  const link = far.getByRole("link").first();
  const name = await link.innerText();
  await timed("open that job", jobs, async () => {
    await link.click();
    await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  });
  await timed("and back to the same row", jobs, async () => {
    await page.goBack();
    await expect(far).toBeInViewport();
  });
}

/** The table as Markdown. */
function report(): string {
  const counts = [...new Set([...table.values()].flatMap((row) => [...row.keys()]))];
  const lines = [...table].map(([what, row]) => `| ${what} | ${counts.map((n) => row.get(n) ?? "").join(" | ")} |`);
  const head = `| jobs | ${counts.map((n) => digits.format(n)).join(" | ")} |`;
  return [head, `| --- |${" --- |".repeat(counts.length)}`, ...lines].join("\n");
}

test(`every view with 0, 3 and ${digits.format(million)} jobs`, async ({ page, guard, start }) => {
  guard.allow(/status of (422|429)/); // of a forecast that is being computed
  mkdirSync(folder, { recursive: true });
  await watchShifts(page);
  const receiver = await Receiver.start("0.0.0.0"); // the generated hosts are addresses of all of loopback
  try {
    for (const jobs of [0, 3, million]) {
      const server = await start();
      const begin = performance.now();
      await fill(server, jobs, receiver.port);
      if (jobs > 0) note("the import", jobs, `${digits.format(Math.round((performance.now() - begin) / 1000))} s`);
      if (jobs === million) await somethingFailed(server);
      await openEach(page, server, jobs);
      if (jobs === 0) await saysWhatToDo(page, server);
      if (jobs === million) await work(page, server, jobs);
      await page.goto("about:blank");
      await server.stop();
    }
  } finally {
    writeFileSync(`${folder}/report.md`, `${report()}\n`);
    process.stdout.write(`\n${report()}\n`);
    await receiver.stop();
  }
  expect(faults).toEqual([]);
});
