import type { Page } from "@playwright/test";
import { axe } from "./support/axe.ts";
import { expectNoSideScroll } from "./support/layout.ts";
import type { Server } from "./support/server.ts";
import { expect, test } from "./support/test.ts";

interface Rule {
  id: string;
  name?: string;
  when: Record<string, unknown>;
  channels: string[];
  match: Record<string, unknown>;
  waitMs: number;
  level: string;
  disabled: boolean;
}

const rule = (server: Server, id: string): Promise<Rule> => server.request("GET", `/alerts/rules/${id}`);

async function open(page: Page, server: Server): Promise<void> {
  await page.goto(`${server.url}/ui/alerts/rules`);
  await expect(page.getByRole("heading", { level: 1, name: "Rules" })).toBeVisible();
}

test("a rule is made with its condition, changed and deleted, and what is wrong is said beside the field", async ({
  page,
  start,
  guard,
}) => {
  const server = await start();
  await server.request("PUT", "/alerts/channels/ops", { kind: "WEBHOOK", secrets: { url: "http://127.0.0.1:9/" } });
  const job = await server.createJob({ name: "Charge cards" });
  await page.goto(`${server.url}/ui/alerts`);
  await page.getByRole("navigation", { name: "Views about alerts" }).getByRole("link", { name: "Rules" }).click();
  const usual = page.getByRole("row").filter({ hasText: "every final failure" });
  await expect(usual).toContainText("built in");
  await expect(usual).toContainText("the first final failure");
  await expect(usual).toContainText("the defaults");
  await expect(page.getByRole("button", { name: "Delete default" })).toHaveCount(0);

  await page.getByRole("button", { name: "New rule" }).click();
  const form = page.getByRole("dialog", { name: "New rule" });
  await form.getByLabel("Its id").fill("payments");
  await form.getByLabel("What people call it").fill("Payments fail often");
  await form.getByLabel("Tag").fill("payments");
  await form.getByLabel("Only these jobs").fill("charge");
  await form.getByRole("button", { name: "Add Charge cards" }).click();
  await form.getByLabel("Condition").selectOption("FAILED_OF_LAST");
  await form.getByLabel("How many it takes").fill("11");
  await form.getByLabel("Of how many").fill("10");
  await form.getByRole("checkbox", { name: "ops, WEBHOOK" }).check();
  await form.getByLabel("Level").selectOption("WARNING");
  await form.getByLabel("From the alert to the message", { exact: true }).fill("1.5");
  await form.getByLabel("Unit of “From the alert to the message”").selectOption("min");
  guard.allow(/status of 422/);
  await form.getByRole("button", { name: "Save the rule" }).click();
  const count = form.getByLabel("How many it takes");
  await expect(count).toHaveAccessibleDescription(/must be at most when.of, which is 10/);
  await expect(count).toBeFocused();
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await axe(page), colorScheme).toEqual([]);
  }
  await page.setViewportSize({ width: 360, height: 740 });
  await expectNoSideScroll(page);
  expect(await form.evaluate((d) => d.scrollWidth <= d.clientWidth), "the dialog is not wider than its window").toBe(true);
  await page.setViewportSize({ width: 1280, height: 800 });
  await count.fill("3");
  await form.getByRole("button", { name: "Save the rule" }).click();
  const row = page.getByRole("row").filter({ hasText: "Payments fail often" });
  await expect(row).toContainText("3 of the last 10 executions failed");
  await expect(row).toContainText("Charge cards");
  await expect(row).toContainText("Warning");
  expect(await rule(server, "payments")).toMatchObject({
    when: { kind: "FAILED_OF_LAST", count: 3, of: 10 },
    match: { tag: "payments", jobs: [job] },
    channels: ["ops"],
    waitMs: 90_000,
    level: "WARNING",
  });

  await page.getByRole("button", { name: "Edit payments" }).click();
  await page.getByRole("dialog").getByLabel("Disabled").check();
  await page.getByRole("button", { name: "Save the rule" }).click();
  await expect(row).toContainText("Disabled");
  expect(await rule(server, "payments")).toMatchObject({ disabled: true, channels: ["ops"], waitMs: 90_000 });

  await page.getByRole("button", { name: "Delete payments" }).click();
  await page.getByRole("button", { name: "Delete the rule" }).click();
  await expect(row).toHaveCount(0);
});

test("every condition has its numbers and is kept as it was typed", async ({ page, start }) => {
  const server = await start();
  await open(page, server);
  for (const [kind, typed, is] of [
    ["FAILURES", { "How many it takes": "4" }, { kind: "FAILURES", count: 4 }],
    ["SUCCESS_RATE", { "Fewer than": "90" }, { kind: "SUCCESS_RATE", percent: 90, count: 1, windowMs: 3_600_000 }],
    ["DURATION", { "Longer than": "7" }, { kind: "DURATION", thresholdMs: 7000, count: 1, windowMs: 3_600_000 }],
    ["DRIFT", { "Later than": "8" }, { kind: "DRIFT", thresholdMs: 8000, count: 1, windowMs: 3_600_000 }],
    ["MISSED", { "How many it takes": "2" }, { kind: "MISSED", count: 2, windowMs: 3_600_000 }],
    ["SKIPPED", { "How many it takes": "3" }, { kind: "SKIPPED", count: 3, windowMs: 3_600_000 }],
    ["LOST", {}, { kind: "LOST" }],
    ["NOT_RUN", { "Longer than it was due": "10" }, { kind: "NOT_RUN", thresholdMs: 600_000 }],
  ] as const) {
    const id = kind.toLowerCase().replace("_", "-");
    await page.getByRole("button", { name: "New rule" }).click();
    const form = page.getByRole("dialog", { name: "New rule" });
    await form.getByLabel("Its id").fill(id);
    await form.getByLabel("Condition").selectOption(kind);
    for (const [label, text] of Object.entries(typed)) {
      await form.getByRole("textbox", { name: label }).fill(text);
    }
    await form.getByRole("button", { name: "Save the rule" }).click();
    await expect(page.getByRole("button", { name: `Edit ${id}`, exact: true })).toBeVisible();
    expect((await rule(server, id)).when).toEqual(is);
    await page.getByRole("button", { name: `Edit ${id}`, exact: true }).click(); // and saved as it is, it stays so
    await page.getByRole("button", { name: "Save the rule" }).click();
    await expect(page.getByRole("dialog")).toHaveCount(0);
    expect((await rule(server, id)).when).toEqual(is);
  }
});

test("the usual rule is replaced and restored, and no change of somebody else is lost", async ({ page, start, guard }) => {
  guard.allow(/status of 412/);
  const server = await start();
  await open(page, server);
  await page.getByRole("button", { name: "Edit default" }).click();
  const form = page.getByRole("dialog", { name: "Rule default" });
  await form.getByLabel("What people call it").fill("mine");
  await server.request("PUT", "/alerts/rules/default", { name: "theirs" });
  await form.getByRole("button", { name: "Save the rule" }).click();
  await expect(form.getByText("Somebody else has changed it meanwhile")).toBeVisible();
  expect((await rule(server, "default")).name).toBe("theirs");
  await form.getByRole("button", { name: "Drop mine and begin anew" }).click();
  await expect(form.getByLabel("What people call it")).toHaveValue("theirs");

  await form.getByLabel("What people call it").fill("mine");
  await server.request("PUT", "/alerts/rules/default", { name: "theirs again" });
  await form.getByRole("button", { name: "Save the rule" }).click();
  await form.getByRole("button", { name: "Save mine in its place" }).click();
  await expect(page.getByRole("row").filter({ hasText: "replaces the built-in rule" })).toContainText("mine");
  expect((await rule(server, "default")).name).toBe("mine");

  await page.getByRole("button", { name: "Delete default" }).click();
  await page.getByRole("button", { name: "Delete the rule" }).click();
  await expect(page.getByText("replaces the built-in rule")).toHaveCount(0);
  await expect(page.getByText("built in")).toHaveCount(2);
});

test("the rule about undeliverable messages is seen, and switched off and restored", async ({ page, start }) => {
  const server = await start();
  await open(page, server);
  const row = page.getByRole("row").filter({ hasText: "undeliverable messages" });
  await expect(row).toContainText("built in");
  await page.getByRole("button", { name: "Edit undeliverable" }).click();
  const form = page.getByRole("dialog", { name: "Rule undeliverable" });
  await form.getByRole("checkbox", { name: "Disabled: nobody is told by it" }).check();
  await form.getByRole("button", { name: "Save the rule" }).click();
  await expect(row).toContainText("replaces the built-in rule");
  await expect(row).toContainText("Disabled");
  expect(await rule(server, "undeliverable")).toMatchObject({ disabled: true, when: { kind: "UNDELIVERABLE" } });
  await page.getByRole("button", { name: "Delete undeliverable" }).click();
  await expect(page.getByText("undeliverable messages to the channels that are a default")).toBeVisible();
  await page.getByRole("button", { name: "Delete the rule" }).click();
  await expect(row).toContainText("built in");
});

test("rules are changed by editors, and seen by viewers", async ({ page, start, guard }) => {
  guard.allow(/status of 401/);
  const server = await start({ keys: true });
  for (const [key, offers] of [
    [server.keys!.reader, 0],
    [server.keys!.operator, 1],
  ] as const) {
    await page.context().clearCookies();
    await page.goto(`${server.url}/ui/alerts/rules`);
    await page.getByLabel("API key").fill(key);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByText("built in")).toHaveCount(2);
    for (const name of ["New rule", "Edit default"]) {
      await expect(page.getByRole("button", { name, exact: true })).toHaveCount(offers);
    }
  }
});

test("the keyboard alone makes a rule", async ({ page, start }) => {
  const server = await start();
  await open(page, server);
  await page.getByRole("button", { name: "New rule" }).focus();
  await page.keyboard.press("Enter");
  const form = page.getByRole("dialog", { name: "New rule" });
  await expect(form.getByLabel("Its id")).toBeVisible();
  for (let n = 0; !(await form.getByLabel("Its id").evaluate((e) => e === document.activeElement)); n++) {
    expect(n, "Tab reaches the id").toBeLessThan(5);
    await page.keyboard.press("Tab");
  }
  await page.keyboard.type("by-keyboard");
  await page.keyboard.press("Enter");
  await expect(form).toHaveCount(0);
  await expect(page.getByRole("button", { name: "New rule" })).toBeFocused();
  expect((await rule(server, "by-keyboard")).when).toEqual({ kind: "FAILURES", count: 1 });
});

test("a rule that the server cannot read says so, and is deleted", async ({ page, start }) => {
  const server = await start();
  await server.request("PUT", "/alerts/rules/newer", { when: { kind: "FAILURES", count: 2 } });
  await page.route(/\d\/alerts\/rules(\?|$)/, async (route) => {
    const answer = await route.fetch();
    const body = (await answer.json()) as { rules: (Rule & { error?: string })[] };
    for (const r of body.rules) if (r.id === "newer") r.error = "its condition is not known here";
    await route.fulfill({ response: answer, json: body });
  });
  await open(page, server);
  const row = page.getByRole("row").filter({ hasText: "newer" });
  await expect(row).toContainText("Cannot be read");
  await expect(row).toContainText("its condition is not known here");
  await expect(page.getByRole("button", { name: "Edit newer" })).toHaveCount(0);
  await axe(page);
  await row.getByRole("button", { name: "Delete newer" }).click();
  await page.getByRole("button", { name: "Delete the rule" }).click();
  await expect(row).toHaveCount(0);
});
