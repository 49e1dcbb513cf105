import { axe } from "./support/axe.ts";
import { expect, test } from "./support/test.ts";

test("a channel is made, tried, changed and deleted, and no secret is on the page", async ({ page, start, receiver, guard }) => {
  const server = await start();
  await page.goto(`${server.url}/ui/alerts`);
  await page.getByRole("navigation", { name: "Views about alerts" }).getByRole("link", { name: "Channels" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Channels" })).toBeVisible();
  await expect(page.getByText("Nobody is told of failures")).toBeVisible();

  await page.getByRole("button", { name: "New channel" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Its id").fill("ops");
  await form.getByLabel("Kind").selectOption("SLACK");
  await expect(form.getByLabel(/^format/)).toBeVisible(); // a field of the kind
  await form.getByLabel("Kind").selectOption("WEBHOOK");
  guard.allow(/status of 422/);
  await form.getByRole("button", { name: "Save the channel" }).click();
  await expect(form.getByLabel(/^url/)).toHaveAccessibleDescription(/required/);
  await form.getByLabel(/^url/).fill(`${receiver.url}/ok?token=T0KEN-0123456789`);
  await form.getByRole("button", { name: "Save the channel" }).click();
  await expect(page.getByRole("rowheader", { name: /ops/ })).toBeVisible();
  const stored = await server.request<{ secrets: object; default: boolean }>("GET", "/alerts/channels/ops");
  expect(stored).toMatchObject({ secrets: { url: "********" }, default: true });

  await page.getByRole("button", { name: "Test ops" }).click();
  await expect(page.getByText("ops has taken the message.")).toBeVisible();

  await page.getByRole("button", { name: "Edit ops" }).click();
  await form.getByText("Templates").click();
  await expect(form.getByText("Failing: payments.example.com:443")).toBeVisible(); // the usual message
  await form.getByLabel("First line").fill("{{.Nope}}");
  await expect(form.getByText("can't evaluate field Nope")).toBeVisible();
  await form.getByLabel("First line").fill("{{.Title}} (Belfry)");
  await expect(form.getByText(/^Failing: .*\(Belfry\)$/)).toBeVisible();
  expect(await axe(page)).toEqual([]);
  await form.getByLabel("Disabled: messages wait for it, for a day at most").check();
  await form.getByRole("button", { name: "Save the channel" }).click(); // the secret stays
  await expect(page.getByText("Disabled", { exact: true })).toBeVisible();
  const templates = { title: "{{.Title}} (Belfry)" };
  expect(await server.request("GET", "/alerts/channels/ops")).toMatchObject({ templates });
  await page.getByRole("button", { name: "Test ops" }).click();
  await expect(page.getByText("ops has taken the message.")).toBeVisible();
  await expect(page.locator("body")).not.toContainText("T0KEN");

  await page.getByRole("button", { name: "Delete ops" }).click();
  await expect(page.getByText("is told nothing any more")).toBeVisible();
  await page.getByRole("button", { name: "Delete the channel" }).click();
  await expect(page.getByText("Nobody is told of failures")).toBeVisible();
});
