import type { Page } from "@playwright/test";
import { axe } from "./support/axe.ts";
import type { Receiver, Server } from "./support/server.ts";
import { expect, test } from "./support/test.ts";

interface Notification {
  id: string;
  channel: string;
  state: string;
  lastAt: number | null;
}

const told = async (server: Server, channel: string): Promise<Notification | undefined> =>
  (await server.request<{ notifications: Notification[] }>("GET", `/notifications?channel=${channel}&limit=1`))
    .notifications[0];

// fails makes a job that fails each second, of which two channels are told: one takes it, the other one does not.
async function fails(server: Server, receiver: Receiver): Promise<void> {
  for (const [id, url] of [
    ["well", `${receiver.url}/ok`],
    ["broken", `${receiver.url}/status/503`],
  ] as const) {
    await server.request("PUT", `/alerts/channels/${id}`, { kind: "WEBHOOK", default: true, secrets: { url } });
  }
  await server.request("PUT", "/alerts/rules/default", { waitMs: 0 });
  await server.createJob({ name: "Dead port", schedule: "* * * * * *", retry: { maxRetries: 0 } });
  await expect.poll(async () => (await told(server, "well"))?.state).toBe("DELIVERED");
  await expect.poll(async () => (await told(server, "broken"))?.lastAt ?? null).not.toBeNull();
}

const go = (page: Page, name: string): Promise<void> =>
  page.getByRole("navigation", { name: "Views about alerts" }).getByRole("link", { name }).click();

test("a group is acknowledged and silenced, and a message is sent again", async ({ page, start, receiver }) => {
  const server = await start();
  await fails(server, receiver);
  await page.goto(`${server.url}/ui/alerts`);
  await go(page, "Groups");
  const row = page.getByRole("row").filter({ hasText: "http://127.0.0.1:9" });
  await expect(row).toContainText("Open");
  await expect(row).toContainText("connection refused");
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await axe(page), colorScheme).toEqual([]);
  }
  await row.getByRole("button", { name: "Acknowledge" }).click();
  await expect(row).toContainText("Acknowledged");
  await expect(row.getByRole("button", { name: "Acknowledge" })).toHaveCount(0);
  const { groups } = await server.request<{ groups: { state: string }[] }>("GET", "/alerts/groups?open=true");
  expect(groups).toMatchObject([{ state: "ACKNOWLEDGED" }]);

  await row.getByRole("button", { name: "Silence this" }).click();
  const form = page.getByRole("dialog", { name: "New silence" });
  await expect(form.getByLabel("Host")).toHaveValue("http://127.0.0.1:9");
  await form.getByLabel("Why").fill("being mended");
  await form.getByRole("button", { name: "Silence", exact: true }).click();
  await expect(form).toHaveCount(0);
  await page.goto(`${server.url}/ui/alerts`);
  await expect(page.getByRole("row").filter({ hasText: "Dead port" })).toContainText("Silenced"); // the host is the job's

  await go(page, "Groups");
  await row.getByRole("link", { name: "messages" }).click();
  await expect(page).toHaveURL(/notifications\?groupId=/);
  const well = page.getByRole("row").filter({ has: page.getByRole("cell", { name: "well", exact: true }) }).last();
  const broken = page.getByRole("row").filter({ has: page.getByRole("cell", { name: "broken", exact: true }) }).last();
  await expect(well).toContainText("Delivered");
  await expect(broken).toContainText("503");
  await expect(broken).toContainText("next attempt");
  expect(await axe(page)).toEqual([]);
  const before = (await told(server, "well"))!;
  await well.getByRole("button", { name: "Send again" }).click();
  await expect(page.getByText("The message is sent again")).toBeVisible();
  await expect
    .poll(async () => {
      const { notifications } = await server.request<{ notifications: Notification[] }>("GET", "/notifications");
      const now = notifications.find((n) => n.id === before.id);
      return now?.state === "DELIVERED" && now.lastAt! > before.lastAt!;
    })
    .toBe(true);
  await page.getByLabel("Channel").fill("broken");
  await page.getByLabel("Channel").press("Enter");
  await expect(page).toHaveURL(/channel=broken/);
  await expect(well).toHaveCount(0);
  await page.goBack();
  await expect(well).toBeVisible();
});

test("groups are acknowledged by editors, and seen by keys of all namespaces", async ({
  page,
  start,
  guard,
  receiver,
}) => {
  guard.allow(/status of 401/);
  const server = await start({ keys: true });
  await fails(server, receiver);
  const confined = await server.request<{ key: string }>("POST", "/keys", {
    ...{ name: "billing", role: "editor", namespace: "billing" },
  });
  for (const [key, tabs, offers] of [
    [server.keys!.reader, 6, 0],
    [server.keys!.operator, 6, 1],
    [confined.key, 4, 0],
  ] as const) {
    await page.context().clearCookies();
    await page.goto(`${server.url}/ui/alerts/rules`);
    await page.getByLabel("API key").fill(key);
    await page.getByRole("button", { name: "Sign in" }).click();
    const links = page.getByRole("navigation", { name: "Views about alerts" }).getByRole("link");
    await expect(links).toHaveCount(tabs);
    await page.goto(`${server.url}/ui/alerts/groups`); // by its address
    await expect(page.getByText("This page is about all namespaces")).toHaveCount(tabs === 4 ? 1 : 0);
    await expect(page.getByRole("row").filter({ hasText: "127.0.0.1:9" })).toHaveCount(tabs === 4 ? 0 : 1);
    await expect(page.getByRole("button", { name: "Acknowledge" })).toHaveCount(offers);
    await expect(page.getByRole("button", { name: "Silence this" })).toHaveCount(offers);
    await page.goto(`${server.url}/ui/alerts/notifications`);
    await expect(page.getByRole("heading", { level: 1, name: "Notifications" })).toBeVisible();
    if (tabs === 6) await expect(page.getByText("Delivered").first()).toBeVisible();
    await expect(page.getByRole("button", { name: "Send again" }).first()).toBeVisible({ visible: offers === 1 });
  }
});
