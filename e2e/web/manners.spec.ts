import { expect, test } from "./support/test.ts";

test("an outage of the server is shown, and ends by itself", async ({ page, guard, start }) => {
  const server = await start();
  guard.allow(/net::ERR_/);
  const id = await server.createJob({ name: "Still here" });
  await page.goto(`${server.url}/ui/jobs/${id}`);
  await expect(page.getByRole("heading", { level: 1, name: "Still here" })).toBeVisible();
  await server.kill();
  const outage = page.getByText("The server does not answer.");
  await expect(outage).toBeVisible();
  await expect(page.getByRole("heading", { level: 1, name: "Still here" })).toBeVisible(); // what was shown stays
  await server.run();
  await expect(outage).toBeHidden();
  await server.request("PUT", `/jobs/${id}`, { name: "Changed after the outage" });
  await expect(page.getByRole("heading", { level: 1, name: "Changed after the outage" })).toBeVisible();
});

test("a filter is an address, and the way back works", async ({ page, start }) => {
  const server = await start();
  await server.createJob({ name: "Alpha", tags: ["red"] });
  await server.createJob({ name: "Beta", tags: ["blue"] });
  await page.goto(`${server.url}/ui/jobs?tag=red`); // a deep link
  await expect(page.getByRole("link", { name: "Alpha" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Beta" })).toHaveCount(0);
  await page.getByRole("link", { name: "Alpha" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Alpha" })).toBeFocused();
  await page.goBack();
  await expect(page).toHaveURL(/\/ui\/jobs\?tag=red$/);
  await expect(page.getByRole("link", { name: "Alpha" })).toBeVisible();
  await page.goForward();
  await expect(page.getByRole("heading", { level: 1, name: "Alpha" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("heading", { level: 1, name: "Alpha" })).toBeVisible();
  await page.goto(`${server.url}/ui/jobs`);
  await page.getByRole("group", { name: "State" }).getByText("Paused").click();
  await expect(page).toHaveURL(/state=paused$/);
  await expect(page.getByText("No job matches.")).toBeVisible();
  await page.goBack(); // takes the filter away, and stays in the view
  await expect(page).toHaveURL(/\/ui\/jobs$/);
  await expect(page.getByRole("link", { name: "Beta" })).toBeVisible();
  const search = page.getByRole("searchbox");
  await search.pressSequentially("alpha ");
  await expect(page).toHaveURL(/text=alpha$/);
  await expect(page.getByRole("link", { name: "Beta" })).toHaveCount(0);
  await expect(search).toHaveValue("alpha "); // the next word can follow
});

test("the keyboard alone makes a job", async ({ page, guard, start }) => {
  const server = await start();
  guard.allow(/status of 422/);
  await page.goto(`${server.url}/ui/`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.keyboard.press("g");
  await page.keyboard.press("j");
  await expect(page.getByRole("heading", { level: 1, name: "Jobs" })).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "New job" }).first()).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "New job" })).toBeFocused();
  const field = async (name: string, text: string): Promise<void> => {
    for (let n = 0; n < 20; n++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((path) => document.activeElement?.getAttribute("name") === path, name)) {
        return page.keyboard.type(text);
      }
    }
    throw new Error(`Tab does not reach ${name}`);
  };
  await field("name", "By keyboard");
  await field("api", "http://127.0.0.1:9/");
  await field("schedule", "0 0 4 * * *");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "By keyboard" })).toBeFocused();
  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox")).toBeFocused();
  await page.keyboard.type("keyb");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("link", { name: "By keyboard" })).toBeVisible();
});

test("an operation on everything that a query matches is previewed, done, and shown", async ({ page, start }) => {
  const server = await start();
  const lines = Array.from({ length: 120 }, (_, i) =>
    JSON.stringify({
      name: `job ${i}`,
      schedule: "0 0 4 * * *",
      api: "http://127.0.0.1:9/",
      type: "ATLEAST_ONCE",
      tags: [i < 110 ? "many" : "few"],
    }),
  );
  await server.request("POST", "/jobs/import", lines.join("\n"));
  await page.goto(`${server.url}/ui/jobs?tag=many`);
  await page.getByRole("checkbox", { name: "Select all that are shown" }).check();
  await page.getByRole("button", { name: "Select all that match" }).click();
  await page.getByRole("button", { name: "Pause" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("110 jobs");
  await dialog.getByRole("button", { name: /^Pause/ }).click();
  await expect(dialog.getByRole("button", { name: "Close", exact: true }).last()).toBeVisible();
  await expect
    .poll(async () => (await server.request<{ count: number }>("GET", "/jobs?isActive=false&count=true")).count)
    .toBe(110);
  await page.goto(`${server.url}/ui/operations`);
  await page.getByRole("link", { name: "Pause 110 jobs" }).click();
  await expect(page.getByRole("region", { name: "Pause 110 jobs" })).toContainText("110 of 110");
});

test("a fire without a record is shown in the proof", async ({ page, empty }) => {
  // The server loses none, so the answer of the audit is the only one of these tests that is made up.
  await page.route(/\/audit\?/, async (route) => {
    const answer = await route.fetch();
    const audit = { ...(await answer.json()), expected: 3, succeeded: 2, lostCount: 1 };
    audit.lost = [{ jobId: "0", executionId: "lost-1", scheduledAt: audit.from, version: 7 }];
    await route.fulfill({ response: answer, json: audit });
  });
  await page.route(/\/jobs\/0$/, (route) => route.fulfill({ json: { id: "0", spec: { name: "Gone", api: "x" } } }));
  await page.goto(`${empty.url}/ui/proof`);
  await expect(page.getByText("All audited")).toBeVisible();
  await page.getByRole("row").nth(1).getByRole("button").click();
  await expect(page.getByText("version 7")).toBeVisible();
  await expect(page).toHaveURL(/at=\d+/);
});

test("a key is made, shown once, and revoked; keys and settings are an admin's", async ({ page, guard, start }) => {
  guard.allow(/status of 401/); // with the first key the page is refused, too
  const server = await start();
  await page.goto(`${server.url}/ui/keys`);
  await page.getByRole("button", { name: "New key" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("From the first key on every call needs one");
  await dialog.getByRole("textbox", { name: "Who or what will use it" }).fill("the first");
  await dialog.getByRole("button", { name: "Make the key" }).click();
  const shown = page.getByRole("dialog", { name: "The key of the first" });
  const key = (await shown.getByRole("region", { name: "The key" }).innerText()).trim();
  expect(key.length).toBeGreaterThan(20);
  await shown.getByRole("button", { name: "I have kept it" }).click();
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "New key" }).click();
  await dialog.getByRole("textbox", { name: "Who or what will use it" }).fill("the second");
  await dialog.getByRole("button", { name: "Make the key" }).click();
  await expect(page.getByRole("dialog", { name: "The key of the second" })).not.toContainText(key);
  await page.getByRole("button", { name: "I have kept it" }).click();
  await page.getByRole("button", { name: "Revoke the second" }).click();
  await page.getByRole("button", { name: "Revoke the key" }).click();
  await expect(page.getByRole("button", { name: "Revoke the second" })).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Revoke the first" })).toBeVisible();
  await page.goto(`${server.url}/ui/settings`);
  await expect(page.getByRole("row").filter({ hasText: "db_path" })).toContainText("flag --db-path");
  await page.getByRole("checkbox", { name: "Only what is set" }).check();
  await expect(page.getByRole("row").filter({ hasText: "retention" })).toHaveCount(0);
});
