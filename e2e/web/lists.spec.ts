import { filled, type Filled } from "./support/samples.ts";
import { expect, test as base } from "./support/test.ts";

// What the heads of columns sort, what the overview adds up, and what is said where another server is silent.

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

test("the heads of the list of jobs sort it, say so, and take the order away again", async ({ page, sample }) => {
  await page.goto(`${sample.server.url}/ui/jobs`);
  const list = page.getByRole("table", { name: "Jobs" });
  const head = (name: string) => list.getByRole("columnheader", { name });
  const first = list.locator("tbody tr:not([aria-hidden])").first();
  await expect(first).toContainText("Heartbeat");
  await expect(list.locator("[aria-sort]")).toHaveCount(0);
  for (const direction of ["ascending", "descending"] as const) {
    await head("Job").getByRole("button").click();
    await expect(head("Job")).toHaveAttribute("aria-sort", direction);
    await expect(async () => {
      const names = (await list.locator("tbody .c-job a.strong").allTextContents()).map((n) => n.toLowerCase());
      expect(names.length).toBeGreaterThan(2);
      const sorted = [...names].sort();
      expect(names).toEqual(direction === "ascending" ? sorted : sorted.reverse());
    }).toPass();
  }
  await head("Job").getByRole("button").click();
  await expect(list.locator("[aria-sort]")).toHaveCount(0);
  await expect(first).toContainText("Heartbeat");
  await expect(head("Schedule").getByRole("button")).toHaveCount(0);
  for (const [name, sort, direction] of [
    ["Next fire", "nextFireAt", "ascending"],
    ["Last outcome", "-lastFireAt", "descending"],
    ["Last 20", "-failures", "descending"],
  ] as const) {
    const answered = page.waitForResponse((r) => r.url().includes(`sort=${encodeURIComponent(sort)}`) && r.ok());
    await head(name).getByRole("button").press("Enter");
    await answered;
    await expect(head(name)).toHaveAttribute("aria-sort", direction);
    await expect(list.locator("[aria-sort]")).toHaveCount(1);
    await expect(page).toHaveURL(new RegExp(`sort=${sort}`));
    await expect(page.getByRole("combobox", { name: "Sort" })).toHaveValue(sort);
  }
  await expect(first).toContainText("Dead port");
  await page.goBack();
  await expect(head("Last outcome")).toHaveAttribute("aria-sort", "descending");
  await page.goForward();
  await head("Last 20").getByRole("button").click();
  await expect(list.locator("[aria-sort]")).toHaveCount(0);
  await expect(first).toContainText("Heartbeat");
});

test("the overview adds up what fails, by job and by host", async ({ page, sample }) => {
  await page.goto(`${sample.server.url}/ui/`);
  const jobs = page.getByRole("table", { name: "Jobs that fail" });
  const hosts = page.getByRole("table", { name: "Hosts that fail" });
  const job = jobs.locator("tbody tr").filter({ hasText: "Dead port" });
  await expect(job).toContainText("Fails");
  await expect(job.getByRole("cell").nth(1)).toHaveText(/^[1-9]\d*$/);
  await expect(jobs.locator("tbody tr")).toHaveCount(1);
  const host = hosts.locator("tbody tr").filter({ hasText: "127.0.0.1:9" });
  await expect(host).toContainText(/1 job fails|Refuses/);
  await expect(hosts.locator("tbody tr")).toHaveCount(1);
  await job.getByRole("link").last().click();
  await expect(page.getByRole("heading", { level: 1, name: "Execution" })).toBeVisible();
  await expect(page.getByText("What went wrong:")).toBeVisible();
  await page.goBack();
  await host.getByRole("link", { name: "127.0.0.1:9" }).click();
  await expect(page.getByRole("table", { name: "Jobs" }).locator("tbody tr:not([aria-hidden])")).toHaveCount(1);
});

test("what failed and what runs is found by the host that is called", async ({ page, sample }) => {
  await page.goto(`${sample.server.url}/ui/`);
  const host = page.getByRole("table", { name: "Hosts that fail" }).locator("tbody tr");
  await host.getByRole("link", { name: /^\d+$/ }).click();
  await expect(page).toHaveURL(/\/failed\?/);
  const failed = page.getByRole("table", { name: "Failed" }).locator("tbody tr:not([aria-hidden])");
  await expect(failed.first()).toContainText("Dead port");
  const field = page.getByRole("textbox", { name: "Host", exact: true });
  await expect(field).toHaveValue("http://127.0.0.1:9");
  await field.fill("nowhere.test");
  await field.press("Enter");
  await expect(page.getByText("No execution ended so.")).toBeVisible();
  await page.goto(`${sample.server.url}/ui/running?host=nowhere.test`);
  await expect(page.getByText("Nothing that matches runs now.")).toBeVisible();
  await field.fill("127.0.0.1");
  await field.press("Enter");
  const running = page.getByRole("table", { name: "Running now" }).locator("tbody tr:not([aria-hidden])");
  await expect(running.filter({ hasText: "Slow" }).first()).toBeVisible();
});

test("what lacks the part of a server that is silent is marked, until it answers", async ({ page, sample }) => {
  let silent = true;
  await page.route(/\/executions\/running/, async (route) => {
    const answer = await route.fetch();
    const headers = { ...answer.headers(), ...(silent ? { "belfry-live": "partial" } : {}) };
    await route.fulfill({ response: answer, headers });
  });
  await page.goto(`${sample.server.url}/ui/running`);
  const note = page.getByRole("status").filter({ hasText: "What runs there is missing here." });
  await expect(note).toBeVisible();
  silent = false;
  await expect(note).toHaveCount(0);
});

test("executions are filtered by the clock of the zone in which they are listed", async ({ page, sample }) => {
  const list = page.getByRole("table", { name: "Executions" }).locator("tbody tr:not([aria-hidden])");
  await page.goto(`${sample.server.url}/ui/jobs/${sample.good}`); // in UTC; the browser is in Berlin, an hour ahead
  await expect(list.first()).toBeVisible();
  const at = Math.floor(Date.now() / 1000) * 1000 + 1_800_000;
  const wall = (ms: number): string => new Date(ms).toISOString().slice(0, 19);
  const from = page.getByLabel("From", { exact: true });
  await from.fill(wall(at));
  await expect(page.getByText("No execution matches.")).toBeVisible();
  await expect(page).toHaveURL(new RegExp(`from=${at}$`));
  await page.getByLabel("Times are shown in").selectOption("viewer");
  const offset = new Date(at).toLocaleString("en", { timeZone: "Europe/Berlin", timeZoneName: "longOffset" });
  const ahead = Number(/GMT\+0(\d)/.exec(offset)![1]) * 3_600_000;
  await expect(from).toHaveValue(wall(at + ahead));
  await from.fill(wall(at + ahead - 3_600_000));
  await expect(list.first()).toBeVisible();
});
