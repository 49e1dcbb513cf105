import { axe } from "./support/axe.ts";
import { expectNoSideScroll } from "./support/layout.ts";
import { expect, test } from "./support/test.ts";

interface Silence {
  id: string;
  reason: string;
  startsAt: number;
  endsAt: number;
  active: boolean;
  match: Record<string, unknown>;
}

const hour = 3_600_000;

test("a silence is made by the clock of a zone, changed, ended, and seen by its state", async ({ page, start, guard }) => {
  guard.allow(/status of 422/);
  const server = await start();
  const job = await server.createJob({ name: "Charge cards" });
  const stored = async (): Promise<Silence[]> =>
    (await server.request<{ silences: Silence[] }>("GET", "/alerts/silences")).silences;
  await page.goto(`${server.url}/ui/alerts`);
  await page.getByRole("navigation", { name: "Views about alerts" }).getByRole("link", { name: "Silences" }).click();
  await expect(page.getByText("There are none.", { exact: true })).toBeVisible();

  await page.getByRole("button", { name: "New silence" }).click();
  const form = page.getByRole("dialog", { name: "New silence" });
  await form.getByRole("button", { name: "Silence", exact: true }).click();
  await expect(form.getByLabel("Why")).toHaveAccessibleDescription(/./);
  await expect(form.getByLabel("Why")).toBeFocused();
  await form.getByLabel("Why").fill("new disks");
  await form.getByLabel("Only these jobs").fill("charge");
  await form.getByRole("button", { name: "Add Charge cards" }).click();
  await form.getByLabel("By the clock of").selectOption("UTC");
  await form.getByLabel("Starts").fill("2030-06-01T12:00:00");
  await form.getByLabel("Ends").fill("2030-06-01T11:00:00");
  await form.getByRole("button", { name: "Silence", exact: true }).click();
  await expect(form.getByLabel("Ends")).toHaveAccessibleDescription(/must be after startsAt/);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await axe(page), colorScheme).toEqual([]);
  }
  await page.setViewportSize({ width: 360, height: 740 });
  await expectNoSideScroll(page);
  expect(await form.evaluate((d) => d.scrollWidth <= d.clientWidth), "the dialog is not wider than its window").toBe(true);
  await page.setViewportSize({ width: 1280, height: 800 });
  await form.getByRole("button", { name: "1 day" }).click();
  await expect(form.getByText("2030-06-02 12:00:00 UTC")).toBeVisible();
  await form.getByLabel("By the clock of").selectOption("Europe/Berlin");
  await expect(form.getByText("2030-06-02 12:00:00 CEST")).toBeVisible();
  await form.getByRole("button", { name: "Silence", exact: true }).click();
  const row = page.getByRole("row").filter({ hasText: "new disks" });
  await expect(row).toContainText("To come");
  await expect(row).toContainText("Charge cards");
  const at = Date.UTC(2030, 5, 1, 10);
  expect(await stored()).toMatchObject([{ startsAt: at, endsAt: at + 24 * hour, match: { jobs: [job] }, active: false }]);

  await page.getByRole("button", { name: "Change “new disks”" }).click();
  const change = page.getByRole("dialog", { name: "Change the silence" });
  await change.getByLabel("Starts").fill("");
  await change.getByRole("button", { name: "4 hours" }).click();
  await change.getByRole("button", { name: "Save the silence" }).click();
  await expect(row).toContainText("Active");
  const [active] = await stored();
  expect(active!.endsAt - active!.startsAt).toBeGreaterThan(3.9 * hour);
  expect(active!.endsAt - active!.startsAt).toBeLessThan(4.1 * hour);

  await page.getByRole("button", { name: "End now “new disks”" }).click();
  await page.getByRole("button", { name: "End it now" }).click();
  await expect(row).toHaveCount(0);
  await page.getByRole("group", { name: "State" }).getByText("Ended").click();
  await expect(page).toHaveURL(/state=ended$/);
  await expect(row).toContainText("Ended");
  await expect(row.getByRole("button")).toHaveCount(0);
  const [ended] = await stored();
  expect(ended).toMatchObject({ active: false, startsAt: active!.startsAt, reason: "new disks" });
  await page.goto(`${server.url}/ui/alerts/silences?state=all&jobId=${job}`); // as a colleague gets it
  await expect(row).toContainText("Ended");
  await page.getByRole("button", { name: "About all jobs" }).click();
  await expect(page).toHaveURL(/state=all$/);
});

test("a maintenance window is made with its next times, changed and deleted", async ({ page, start, guard }) => {
  guard.allow(/status of 422/);
  const server = await start();
  await page.goto(`${server.url}/ui/alerts/silences`);
  await page.getByRole("button", { name: "New maintenance window" }).click();
  const form = page.getByRole("dialog", { name: "New maintenance window" });
  await form.getByLabel("Its id").fill("backup");
  await form.getByLabel("Why").fill("nightly backup");
  await form.getByLabel("Host").fill("db.example.com");
  await form.getByLabel("Begins").fill("0 0 25 * * *");
  await expect(form.getByText(/schedule .*25/)).toBeVisible(); // while one types
  await form.getByRole("button", { name: "Save the window" }).click();
  await expect(form.getByLabel("Begins")).toHaveAccessibleDescription(/./);
  await form.getByLabel("Begins").fill("0 0 2 * * SUN");
  await form.getByLabel("Time zone").fill("Asia/Tokyo");
  await form.getByRole("textbox", { name: "Lasts" }).fill("90");
  await form.getByLabel("Unit of “Lasts”").selectOption("min");
  await expect(form.getByRole("list", { name: "Next times" }).getByRole("listitem")).toHaveCount(5);
  await expect(form.getByRole("list", { name: "Next times" })).toContainText("02:00:00 GMT+9");
  expect(await axe(page)).toEqual([]);
  await form.getByRole("button", { name: "Save the window" }).click();
  const row = page.getByRole("row").filter({ hasText: "nightly backup" });
  await expect(row).toContainText("To come");
  await expect(row).toContainText("1 h 30 min");
  await expect(row).toContainText("Asia/Tokyo");
  await expect(row).toContainText("db.example.com");
  await expect(row).toContainText("02:00:00 GMT+9");
  expect(await server.request("GET", "/alerts/windows/backup")).toMatchObject({
    schedule: "0 0 2 * * SUN",
    timezone: "Asia/Tokyo",
    durationMs: 1.5 * hour,
    match: { host: "db.example.com" },
  });

  await page.getByRole("button", { name: "Edit backup" }).click();
  const edit = page.getByRole("dialog", { name: "Window backup" });
  await edit.getByLabel("Begins").fill("* * * * * *");
  await edit.getByRole("button", { name: "Save the window" }).click();
  await expect(row).toContainText("Active");
  await page.getByRole("button", { name: "Delete backup" }).click();
  await page.getByRole("button", { name: "Delete the maintenance window" }).click();
  await expect(row).toHaveCount(0);
});

test("silences are made by editors, and seen by viewers", async ({ page, start, guard }) => {
  guard.allow(/status of 401/);
  const server = await start({ keys: true });
  await server.request("POST", "/alerts/silences", { reason: "new disks", durationMs: hour });
  for (const [key, offers] of [
    [server.keys!.reader, 0],
    [server.keys!.operator, 1],
  ] as const) {
    await page.context().clearCookies();
    await page.goto(`${server.url}/ui/alerts/silences`);
    await page.getByLabel("API key").fill(key);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("row").filter({ hasText: "new disks" })).toContainText("Active");
    for (const name of ["New silence", "New maintenance window", "Change “new disks”", "End now “new disks”"]) {
      await expect(page.getByRole("button", { name, exact: true })).toHaveCount(offers);
    }
  }
});

test("“Silence this” on an open alert and on a job is filled in, and where a silence acts it is shown", async ({
  page,
  start,
}) => {
  const server = await start();
  const job = await server.createJob({ name: "Dead port", schedule: "* * * * * *", retry: { maxRetries: 0 } });
  const other = await server.createJob({ name: "Well", schedule: "0 0 4 * * *" });
  await page.goto(`${server.url}/ui/alerts`);
  const row = page.getByRole("row").filter({ hasText: "Dead port" });
  await expect(async () => {
    await page.getByRole("button", { name: "Look again" }).click();
    await expect(row).toContainText("Open", { timeout: 2000 });
  }).toPass();
  await expect(row).not.toContainText("Silenced");
  await row.getByRole("button", { name: "Silence this" }).click();
  const form = page.getByRole("dialog", { name: "New silence" });
  await expect(form.getByText("Dead port")).toBeVisible();
  await form.getByLabel("Why").fill("known, is being mended");
  await form.getByRole("button", { name: "1 hour" }).click();
  await page.keyboard.press("Tab");
  await form.getByRole("button", { name: "Silence", exact: true }).click();
  await expect(row).toContainText(/Silenced.*in (59 min|1 h)/);
  const { silences } = await server.request<{ silences: Silence[] }>("GET", "/alerts/silences");
  expect(silences).toMatchObject([{ match: { jobs: [job] }, active: true }]);

  await row.getByRole("link", { name: "Dead port" }).click();
  await expect(page.getByText("nobody is told of its alerts until")).toContainText("known, is being mended");
  await page.getByRole("link", { name: "Its silences" }).click();
  await page.getByRole("button", { name: "End now “known, is being mended”" }).click();
  await page.getByRole("button", { name: "End it now" }).click();
  await page.goto(`${server.url}/ui/alerts`);
  await expect(row).toContainText("Open");
  await expect(row).not.toContainText("Silenced");

  await page.goto(`${server.url}/ui/jobs/${other}`);
  await page.getByRole("button", { name: "Silence", exact: true }).click();
  await expect(form.getByText("Well")).toBeVisible();
  await form.getByLabel("Why").fill("it is being moved");
  await form.getByRole("button", { name: "Silence", exact: true }).click();
  const note = page.getByText("nobody is told of its alerts until");
  await expect(note).toContainText("it is being moved");
  expect(await axe(page)).toEqual([]);
  await server.request("PUT", "/alerts/windows/always", {
    ...{ schedule: "0 0 * * * *", durationMs: 3 * hour, reason: "a window", match: { jobs: [other] } },
  });
  await expect(note).toContainText("a window"); // which ends later
});
