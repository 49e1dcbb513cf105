import type { Page } from "@playwright/test";
import { expect, test } from "./support/test.ts";

// Somebody who has just started Belfry opens the page, makes a job by the form, sees it fire, finds out why it fails,
// mends it, and sees it recover.

// waits until a row of the list of executions has a status.
const row = (page: Page, status: string) => page.getByRole("row").filter({ hasText: status }).first();

// toExecutions scrolls until the list is in the window: its heading comes to the top.
async function toExecutions(page: Page): Promise<void> {
  await expect(page.getByText("Lately", { exact: true }).first()).toBeVisible();
  await page.getByRole("heading", { name: "Executions", exact: true }).evaluate((e) => e.scrollIntoView());
}

test("a stranger makes a job, sees it fire, finds out why it fails, and mends it", async ({
  page,
  guard,
  start,
  receiver,
}) => {
  const server = await start();
  guard.allow(/status of 422/); // a schedule that is half typed
  await page.goto(server.url);
  await expect(page).toHaveTitle("Belfry");
  await page.getByRole("link", { name: "Jobs", exact: true }).click();
  await page.getByRole("link", { name: "New job" }).first().click();

  await page.getByRole("textbox", { name: "Name", exact: true }).fill("Heartbeat");
  await page.getByRole("textbox", { name: "URL", exact: true }).fill(`${receiver.url}/ok`);
  await page.getByRole("textbox", { name: "Schedule", exact: true }).fill("* * * * * *");
  const preview = page.getByRole("region", { name: "When it fires" });
  await expect(preview.getByText("Every second, UTC time.")).toBeVisible();
  await expect(preview.getByRole("listitem").filter({ has: page.locator("time") })).toHaveCount(10);
  await page.getByRole("button", { name: "Create job" }).click();

  await expect(page.getByRole("heading", { level: 1, name: "Heartbeat" })).toBeVisible();
  await toExecutions(page); // rows that are seen are live
  await expect(row(page, "Success")).toBeVisible();

  await receiver.stop();
  await expect(row(page, "connection refused")).toBeVisible();
  await row(page, "connection refused").getByRole("link").first().click();
  await expect(page.getByRole("heading", { level: 1, name: "Execution" })).toBeVisible();
  await expect(page.getByText(/connection refused by 127\.0\.0\.1/).first()).toBeVisible();
  await expect(page.getByText("Attempt 1", { exact: true })).toBeVisible();

  await receiver.run();
  await page.getByRole("link", { name: "Heartbeat" }).click();
  await page.getByRole("link", { name: "Edit" }).click();
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("Heartbeat, mended");
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Heartbeat, mended" })).toBeVisible();
  await toExecutions(page);
  await expect(row(page, "Success")).toBeVisible();
  await page.getByRole("link", { name: "Alerts", exact: true }).click();
  await expect(page.getByText("No alert is open")).toBeVisible();
});
