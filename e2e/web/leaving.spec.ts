import type { Page } from "@playwright/test";
import { expect, test } from "./support/test.ts";

// What is typed is not lost without a question, and a view that one comes back to is where it was left.

async function typed(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/ui/jobs`);
  await expect(page.getByRole("heading", { level: 1, name: "Jobs" })).toBeVisible();
  await page.getByRole("link", { name: "New job" }).first().click();
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("Half typed");
}

test("what was typed is not lost by a link, a key or the way back without a question", async ({ page, empty, guard }) => {
  guard.allow(/status of 422/);
  await typed(page, empty.url);
  const name = page.getByRole("textbox", { name: "Name", exact: true });
  const question = page.getByRole("dialog", { name: "Leave without saving?" });

  await page.getByRole("link", { name: "Alerts", exact: true }).click();
  await expect(question).toBeVisible();
  await expect(page).toHaveURL(/jobs\/new$/);
  await page.keyboard.press("Escape");
  await expect(question).toHaveCount(0);
  await expect(name).toHaveValue("Half typed");

  await page.goBack();
  await expect(question).toBeVisible();
  await expect(page).toHaveURL(/jobs\/new$/);
  await question.getByRole("button", { name: "Stay" }).click();
  await expect(name).toHaveValue("Half typed");

  await page.getByRole("heading", { level: 1 }).click();
  await page.keyboard.press("g");
  await page.keyboard.press("f");
  await expect(question).toBeVisible();
  await question.getByRole("button", { name: "Stay" }).click();

  await page.goBack();
  await question.getByRole("button", { name: "Leave" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Jobs" })).toBeVisible();
  await expect(page).toHaveURL(/\/ui\/jobs$/);
  await page.goForward(); // the form is empty again, and may be left
  await expect(name).toHaveValue("");
  await page.getByRole("link", { name: "Alerts", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Alerts" })).toBeVisible();
});

test("what was typed into a form about alerts is not lost by the way back without a question", async ({ page, empty }) => {
  await page.goto(`${empty.url}/ui/alerts`);
  await page.getByRole("link", { name: "Rules", exact: true }).click();
  await page.getByRole("button", { name: "New rule" }).click();
  await page.getByLabel("Its id").fill("half-typed");
  await page.goBack();
  const question = page.getByRole("dialog", { name: "Leave without saving?" });
  await question.getByRole("button", { name: "Stay" }).click();
  await expect(page).toHaveURL(/alerts\/rules$/);
  await expect(page.getByLabel("Its id")).toHaveValue("half-typed");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.goBack(); // nothing is typed any more
  await expect(page.getByRole("heading", { level: 1, name: "Alerts" })).toBeVisible();
});

test("the browser asks before it closes a page with something typed", async ({ page, empty, guard }) => {
  guard.allow(/status of 422/);
  await typed(page, empty.url);
  const asked = page.waitForEvent("dialog");
  void page.close({ runBeforeUnload: true });
  const dialog = await asked;
  expect(dialog.type()).toBe("beforeunload");
  await dialog.dismiss();
  await expect(page.getByRole("textbox", { name: "Name", exact: true })).toHaveValue("Half typed");
});

test("the way back leads to where a view was left, and the focus back to what opened a dialog", async ({ page, start }) => {
  const server = await start();
  const lines = Array.from({ length: 200 }, (_, i) =>
    JSON.stringify({ name: `job ${i}`, schedule: "0 0 4 1 1 *", api: "http://127.0.0.1:9/", type: "ATLEAST_ONCE" }),
  );
  await server.request("POST", "/jobs/import", lines.join("\n"));
  await page.goto(`${server.url}/ui/jobs`);
  const far = page.getByRole("link", { name: "job 130", exact: true });
  await expect(async () => {
    await page.mouse.wheel(0, 1500);
    await expect(far).toBeVisible({ timeout: 200 });
  }).toPass();
  await far.evaluate((e) => e.scrollIntoView({ block: "center" }));
  const left = await page.evaluate(() => scrollY);
  expect(left).toBeGreaterThan(3000);
  await far.click();
  await expect(page.getByRole("heading", { level: 1, name: "job 130" })).toBeVisible();
  await page.mouse.wheel(0, 300);
  await expect.poll(() => page.evaluate(() => scrollY)).toBeGreaterThan(100);
  const inJob = await page.evaluate(() => scrollY);
  await page.goBack();
  await expect(far).toBeVisible();
  await expect.poll(() => page.evaluate(() => scrollY)).toBe(left);
  await page.goForward();
  await expect(page.getByRole("heading", { level: 1, name: "job 130" })).toBeVisible();
  await expect.poll(() => page.evaluate(() => scrollY)).toBe(inJob);

  const opener = page.getByRole("button", { name: "as curl" });
  await opener.click();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(opener).toBeFocused();
  const remove = page.getByRole("button", { name: "Delete", exact: true });
  await remove.click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await expect(remove).toBeFocused();
});

test("a text is copied also where the browser gives a page no clipboard", async ({ page, start }) => {
  const server = await start();
  const id = await server.createJob({ name: "To be copied", body: { n: 1 } });
  await page.addInitScript(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
  await page.addInitScript(() => {
    document.addEventListener("copy", () => {
      const area = document.activeElement as HTMLTextAreaElement;
      (window as unknown as { copied: string }).copied = area.value.slice(area.selectionStart, area.selectionEnd);
    });
  });
  await page.goto(`${server.url}/ui/jobs/${id}`);
  await page.getByRole("button", { name: "as JSON" }).click();
  await page.getByRole("button", { name: "Copy" }).click();
  await expect(page.getByRole("button", { name: "Copied" })).toBeFocused();
  const copied = await page.evaluate(() => (window as unknown as { copied: string }).copied);
  expect(JSON.parse(copied)).toMatchObject({ name: "To be copied", body: { n: 1 } });
});

test("letters are no shortcuts where somebody has switched them off", async ({ page, empty }) => {
  await page.goto(`${empty.url}/ui/`);
  await page.getByRole("button", { name: "Keyboard shortcuts" }).click();
  const dialog = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await expect(dialog).toContainText("g then j");
  await dialog.getByRole("checkbox").uncheck();
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await page.keyboard.press("/");
  await page.keyboard.press("g");
  await page.keyboard.press("j");
  await expect(page.getByRole("searchbox")).not.toBeFocused();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(page.getByRole("heading", { level: 1, name: "Overview" })).toBeVisible();
  await page.reload();
  await page.getByRole("button", { name: "Keyboard shortcuts" }).click();
  await dialog.getByRole("checkbox").check();
  await page.keyboard.press("Escape");
  await page.keyboard.press("g");
  await page.keyboard.press("j");
  await expect(page.getByRole("heading", { level: 1, name: "Jobs" })).toBeVisible();
});

test("a copy of a job has each digit of its body, and an edit leaves it alone", async ({ page, start, guard }) => {
  guard.allow(/status of 422/);
  const server = await start();
  const body = '{"id":12345678901234567890,"rate":1.0,"list":[1e2]}';
  const made = await fetch(`${server.url}/jobs`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: `{"name":"exact","schedule":"0 0 4 * * *","api":"http://127.0.0.1:9/","type":"ATLEAST_ONCE","body":${body}}`,
  });
  const { jobId } = (await made.json()) as { jobId: string };
  await page.goto(`${server.url}/ui/jobs/${jobId}`);
  await expect(page.getByText('"rate": 1.0')).toBeVisible();
  await page.getByRole("link", { name: "Duplicate" }).click();
  await page.getByText("Request", { exact: true }).click();
  await expect(page.getByRole("textbox", { name: "Body" })).toHaveValue(/"id": 12345678901234567890,\n {2}"rate": 1\.0/);
  const sent = page.waitForRequest((r) => r.method() === "POST" && r.url().endsWith("/jobs"));
  await page.getByRole("button", { name: "Create job" }).click();
  expect((await sent).postData()).toContain(`"body":${body}`);
  await expect(page.getByRole("heading", { level: 1, name: "exact (copy)" })).toBeVisible();
  const copy = await (await fetch(`${server.url}/jobs?text=copy`)).text();
  expect(copy).toContain(`"body":${body}`);
});
