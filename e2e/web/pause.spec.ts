import { axe } from "./support/axe.ts";
import { expectNoSideScroll } from "./support/layout.ts";
import { expect, test } from "./support/test.ts";

interface Job {
  isActive: boolean;
  version: number;
  pausedReason?: string;
  pausedUntil?: number;
}

const hour = 3_600_000;

test("a job is paused with a reason and an end, which are seen, changed, and taken away", async ({
  page,
  start,
  guard,
}) => {
  guard.allow(/status of 422/);
  const server = await start();
  const id = await server.createJob({ name: "Charge cards", timezone: "Europe/Berlin" });
  const stored = (): Promise<Job> => server.request<Job>("GET", `/jobs/${id}`);
  await page.goto(`${server.url}/ui/jobs/${id}`);
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Pause the job" });
  const submit = dialog.getByRole("button", { name: "Pause", exact: true });
  await dialog.getByLabel("Why").fill("The target is moved");
  await dialog.getByLabel("By the clock of").selectOption("UTC");
  await dialog.getByLabel("Active again").fill("2020-06-01T10:00:00");
  await submit.click();
  await expect(dialog.getByLabel("Active again")).toHaveAccessibleDescription(/must be later than now/);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await axe(page), colorScheme).toEqual([]);
  }
  await page.setViewportSize({ width: 360, height: 740 });
  await expectNoSideScroll(page);
  expect(await dialog.evaluate((d) => d.scrollWidth <= d.clientWidth), "the dialog fits its window").toBe(true);
  await page.setViewportSize({ width: 1280, height: 800 });
  await dialog.getByLabel("Active again").fill("2030-06-01T12:00:00");
  await expect(dialog.getByText("2030-06-01 12:00:00 UTC")).toBeVisible();
  await dialog.getByLabel("By the clock of").selectOption("Europe/Berlin");
  await expect(dialog.getByText("2030-06-01 12:00:00 CEST")).toBeVisible();
  await submit.click();
  await expect(dialog).toBeHidden();
  await expect(page.getByText("Paused: The target is moved")).toBeVisible();
  await expect(page.getByText("It fires again by itself")).toBeVisible();
  await expect(page.getByRole("region", { name: "Fires after the pause" })).toContainText("2030-06-02 04:00:00 CEST");
  const until = Date.UTC(2030, 5, 1, 10);
  expect(await stored()).toMatchObject({ isActive: false, pausedReason: "The target is moved", pausedUntil: until });

  await page.goto(`${server.url}/ui/jobs`);
  const row = page.getByRole("row").filter({ hasText: "Charge cards" });
  await expect(row).toContainText("The target is moved");
  await expect(row).toContainText("Resumes");
  await row.getByRole("link", { name: "Charge cards" }).click();

  await page.getByRole("button", { name: "Change the pause" }).click();
  const change = page.getByRole("dialog", { name: "Change the pause" });
  await expect(change.getByLabel("Why")).toHaveValue("The target is moved");
  await change.getByLabel("By the clock of").selectOption("UTC");
  await change.getByRole("button", { name: "4 hours" }).click();
  await change.getByRole("button", { name: "Save the pause" }).click();
  await expect(change).toBeHidden();
  const later = await stored();
  expect(Math.abs((later.pausedUntil ?? 0) - Date.now() - 4 * hour)).toBeLessThan(60_000);

  await page.getByRole("button", { name: "Change the pause" }).click();
  await change.getByRole("button", { name: "No end" }).click();
  await change.getByLabel("Why").fill("");
  await change.getByRole("button", { name: "Save the pause" }).click();
  await expect(change).toBeHidden();
  await expect(page.getByText("It fires nothing until it is resumed")).toBeVisible();
  const bare = await stored();
  expect([bare.isActive, bare.pausedReason, bare.pausedUntil]).toEqual([false, undefined, undefined]);
});

test("a pause ends by itself while the page is open, and the trail says that the server has ended it", async ({
  page,
  start,
}) => {
  const server = await start();
  const id = await server.createJob({ name: "Charge cards" });
  await page.goto(`${server.url}/ui/jobs/${id}`);
  // Its end comes near only when the page shows it, however long that takes.
  await server.request("POST", `/jobs/${id}/pause`, { reason: "A short stop", until: Date.now() + 3_600_000 });
  await expect(page.getByText("Paused: A short stop")).toBeVisible();
  await server.request("POST", `/jobs/${id}/pause`, { reason: "A short stop", until: Date.now() + 3_000 });
  await expect(page.getByText("Paused: A short stop")).toBeHidden();
  await expect(page.getByRole("button", { name: "Pause", exact: true })).toBeVisible();
  expect(await server.request<Job>("GET", `/jobs/${id}`)).toMatchObject({ isActive: true, version: 4 });
  await page.goto(`${server.url}/ui/changes`);
  const row = page.getByRole("row").filter({ hasText: "the pause has ended" });
  await expect(row).toContainText("Resumed a job");
  await expect(row).toContainText("Belfry itself");
});

test("many jobs are paused for the same reason until the same instant", async ({ page, start, guard }) => {
  guard.allow(/status of 422/);
  const server = await start();
  const ids = [await server.createJob({ name: "One" }), await server.createJob({ name: "Two" })];
  await page.goto(`${server.url}/ui/jobs`);
  await page.getByLabel("Select all that are shown").check();
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Pause jobs" });
  await dialog.getByLabel("Why").fill("The store is closed");
  await dialog.getByLabel("By the clock of").selectOption("UTC");
  await dialog.getByLabel("Active again").fill("2020-06-01T12:00:00");
  await dialog.getByRole("button", { name: "Pause 2 jobs" }).click();
  await expect(dialog.getByLabel("Active again")).toHaveAccessibleDescription(/must be later than now/);
  expect(await axe(page)).toEqual([]);
  await dialog.getByLabel("Active again").fill("2030-06-01T12:00:00");
  await dialog.getByRole("button", { name: "Pause 2 jobs" }).click();
  await expect(dialog).toContainText("2 jobs paused.");
  for (const id of ids) {
    expect(await server.request<Job>("GET", `/jobs/${id}`)).toMatchObject({
      isActive: false,
      pausedReason: "The store is closed",
      pausedUntil: Date.UTC(2030, 5, 1, 12),
    });
  }
});
