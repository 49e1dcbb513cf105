import { axe } from "./support/axe.ts";
import { expectNoSideScroll } from "./support/layout.ts";
import { expect, test } from "./support/test.ts";

test("a job is tried before it is made, and before its schedule is known", async ({ page, receiver, empty }) => {
  await page.goto(`${empty.url}/ui/jobs/new`);
  await page.getByRole("textbox", { name: "URL", exact: true }).fill(`${receiver.url}/status/418?x=1`);
  await page.getByText("Request", { exact: true }).click();
  await page.getByRole("textbox", { name: "Headers", exact: true }).fill("Authorization: Bearer canary\nX-Team: blue");
  await page.getByRole("button", { name: "Send a test call" }).click();
  const dialog = page.getByRole("dialog", { name: "Test call" });
  await expect(dialog).toContainText("HTTP 418");
  await expect(dialog).toContainText("is not tried again");
  const request = dialog.getByRole("region", { name: "The request" });
  await expect(request).toContainText("POST /status/418?x=1");
  await expect(request).toContainText("Authorization: ********");
  await expect(request).toContainText("X-Team: blue");
  await expect(request).toContainText("Belfry-Test: true");
  await expect(dialog.getByRole("region", { name: "The answer" })).toContainText("HTTP/1.1 418");
  await expect(dialog.getByRole("listitem").filter({ hasText: "Connected" })).toBeVisible();
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await axe(page), colorScheme).toEqual([]);
  }
  await page.setViewportSize({ width: 360, height: 740 });
  await expectNoSideScroll(page);
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("button", { name: "Send a test call" })).toBeFocused();
  const jobs = await empty.request<{ jobs: unknown[] }>("GET", "/jobs");
  expect(jobs.jobs).toEqual([]);
});

test("an edit is tried with the secrets of the job, which are not shown", async ({ page, receiver, start }) => {
  const server = await start();
  const headers = { Authorization: "Bearer canary-4711", "X-Team": "red" };
  const id = await server.createJob({ api: `${receiver.url}/echo`, headers });
  await page.goto(`${server.url}/ui/jobs/${id}/edit`);
  await page.getByText("Request", { exact: true }).click();
  const field = page.getByRole("textbox", { name: "Headers", exact: true });
  await field.fill("Authorization: ********\nX-Team: blue");
  await page.getByRole("button", { name: "Send a test call" }).click();
  const dialog = page.getByRole("dialog", { name: "Test call" });
  await expect(dialog.getByRole("region", { name: "The request" })).toContainText("X-Team: blue");
  await expect(dialog).toContainText("HTTP 200");
  expect(await page.content()).not.toContain("canary");
  const job = await server.request<{ version: number }>("GET", `/jobs/${id}`);
  expect(job.version).toBe(1);
});

test("what keeps a call from being made is said beside the field", async ({ page, guard, empty }) => {
  guard.allow(/status of 422/);
  await page.goto(`${empty.url}/ui/jobs/new`);
  await page.getByRole("button", { name: "Send a test call" }).click();
  const url = page.getByRole("textbox", { name: "URL", exact: true });
  await expect(url).toHaveAccessibleDescription(/required/);
  await expect(page.getByRole("dialog")).toBeHidden();
  await url.fill("http://127.0.0.1:9/");
  await page.getByRole("button", { name: "Send a test call" }).click();
  const dialog = page.getByRole("dialog", { name: "Test call" });
  await expect(dialog).toContainText("Nothing was sent: connection refused by 127.0.0.1:9");
  await expect(dialog).toContainText("A fire with this outcome is tried again.");
});

test("a job is tried as it is, by those who may", async ({ page, receiver, start }) => {
  const server = await start();
  const id = await server.createJob({ name: "tried", api: `${receiver.url}/ok`, isActive: false });
  await page.goto(`${server.url}/ui/jobs/${id}`);
  await page.getByRole("button", { name: "Send a test call" }).click();
  await expect(page.getByRole("dialog", { name: "Test call" })).toContainText("HTTP 200");
  await page.goto(`${server.url}/ui/changes`);
  await expect(page.getByText("Sent a test call")).toBeVisible();
  const found = await server.request<{ executions: unknown[] }>("GET", `/jobs/${id}/executions`);
  expect(found.executions).toEqual([]);
});
