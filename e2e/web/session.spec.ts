import { createServer, type Server as Http } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "@playwright/test";
import { axe } from "./support/axe.ts";
import { expectNoSideScroll } from "./support/layout.ts";
import { freePort, Provider, type Server } from "./support/server.ts";
import { expect, test } from "./support/test.ts";

// Coming in, and what a role is offered.

const refused = /status of 401/; // the browser prints what is answered with it

async function signIn(page: Page, server: Server, key: string): Promise<void> {
  await page.goto(`${server.url}/ui/jobs`);
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Jobs" })).toBeVisible();
}

test("one signs in with a key that is kept nowhere, and out again", async ({ page, start, guard }) => {
  guard.allow(refused);
  const server = await start({ keys: true });
  await page.goto(`${server.url}/ui/jobs`);
  await expect(page.getByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
  await page.getByLabel("API key").fill("a-wrong-key");
  await page.keyboard.press("Enter");
  await expect(page.getByText("This key opens nothing here.")).toBeVisible();
  await expect(page.getByLabel("API key")).toHaveValue("");
  await signIn(page, server, server.keys!.admin);

  const cookies = await page.context().cookies();
  expect(cookies.map((c) => [c.name, c.httpOnly, c.sameSite, c.path, c.expires])).toEqual([
    ["belfry_session", true, "Strict", "/", -1],
  ]);
  const seen = await page.evaluate(() => JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]));
  expect(seen).not.toContain("belfry_session");
  expect(seen).not.toContain(server.keys!.admin);

  await page.reload();
  await expect(page.getByRole("heading", { level: 1, name: "Jobs" })).toBeVisible();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
  expect(await page.context().cookies()).toEqual([]);
  await page.context().addCookies(cookies); // a copy of it
  await page.goto(`${server.url}/ui/jobs`);
  await expect(page.getByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
});

test("a key that is revoked ends the session of an open page", async ({ page, start, guard }) => {
  guard.allow(refused);
  const server = await start({ keys: true });
  const { key, id } = await server.createKey("of a visitor", "editor");
  await signIn(page, server, key);
  await server.request("DELETE", `/keys/${id}`);
  await expect(page.getByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
});

test("what a role may not do is not offered", async ({ page, start, guard }) => {
  guard.allow(refused);
  const server = await start({ keys: true });
  const id = await server.createJob({ name: "Nightly" });
  for (const [key, offers] of [
    [server.keys!.reader, 0],
    [server.keys!.operator, 1],
  ] as const) {
    await page.context().clearCookies();
    await signIn(page, server, key);
    await expect(page.getByRole("link", { name: "Nightly" })).toBeVisible();
    await expect(page.getByRole("checkbox", { name: "Select Nightly" })).toHaveCount(offers);
    for (const [name, role] of [["Keys", 2], ["Settings", 2], ["Operations", 1], ["Hosts", 0]] as const) {
      await expect(page.getByRole("navigation", { name: "Views" }).getByRole("link", { name, exact: true })).toHaveCount(
        role <= offers ? 1 : 0,
      );
    }
    await page.goto(`${server.url}/ui/jobs/${id}`);
    await expect(page.getByRole("heading", { level: 1, name: "Nightly" })).toBeVisible();
    for (const name of ["Edit", "Duplicate"]) {
      await expect(page.getByRole("link", { name, exact: true })).toHaveCount(offers);
    }
    for (const name of ["Trigger now", "Pause", "Delete"]) {
      await expect(page.getByRole("button", { name, exact: true })).toHaveCount(offers);
    }
    await expect(page.getByRole("button", { name: "Sign out" })).toHaveAttribute("title", /, (viewer|editor)$/);
    await page.goto(`${server.url}/ui/jobs/${id}/edit`); // by its address
    await expect(page.getByText("This page is for the role editor, and yours is viewer.")).toHaveCount(1 - offers);
    await expect(page.getByRole("button", { name: "Save changes" })).toHaveCount(offers);
  }
});

test("one signs in by a provider of OpenID Connect, is offered what one's grant allows, and signs out", async ({
  page,
  start,
  guard,
}) => {
  guard.allow(refused, /127\.0\.0\.1:\d+\/(auth|login|authorize)/); // pages of the provider, with a policy of their own
  const port = await freePort();
  const home = `http://127.0.0.1:${port}`;
  const provider = await Provider.start("secret-of-the-client", `${home}/session/oidc/callback`);
  try {
    const server = await start({
      port,
      keys: true,
      env: {
        BELFRY_PUBLIC_URL: home,
        BELFRY_OIDC_ISSUER: provider.url,
        BELFRY_OIDC_CLIENT_ID: "belfry",
        BELFRY_OIDC_CLIENT_SECRET: "secret-of-the-client",
        BELFRY_OIDC_GRANTS: "email=ann@example.com:editor,email=bob@example.com:viewer",
        BELFRY_OIDC_NAME: "Staff login",
      },
    });
    await server.createJob({ name: "Nightly" });
    const button = page.getByRole("link", { name: "Sign in with Staff login" });
    for (const [name, edits] of [["ann", 1], ["bob", 0]] as const) {
      await page.context().clearCookies();
      await page.goto(`${home}/ui/jobs?text=night`);
      await expect(page.getByLabel("API key")).toBeVisible();
      expect(await axe(page)).toEqual([]);
      await button.click();
      await page.locator("input[name=username]").fill(name);
      await page.locator("input[name=password]").fill("password");
      await page.locator("button[type=submit]").click();
      await expect(page.getByRole("link", { name: "Nightly" })).toBeVisible();
      expect(page.url()).toBe(`${home}/ui/jobs?text=night`);
      await expect(page.getByRole("checkbox", { name: "Select Nightly" })).toHaveCount(edits);
      const cookies = (await page.context().cookies(home)).filter((c) => c.name.startsWith("belfry_"));
      expect(cookies.map((c) => [c.name, c.httpOnly, c.sameSite])).toEqual([["belfry_session", true, "Strict"]]);
      const out = page.getByRole("button", { name: "Sign out" });
      await expect(out).toHaveAttribute("title", `Signed in as ${name}@example.com, ${edits ? "editor" : "viewer"}`);
      await out.click();
      await expect(button).toBeVisible();
      await expect(button).toHaveAttribute("href", /again=true/); // the provider knows who it was
    }
    await page.context().clearCookies();
    await page.goto(`${home}/ui/jobs`);
    const tab = await page.context().newPage(); // waits at the provider meanwhile
    await tab.goto(`${home}/ui/hosts`);
    await tab.getByRole("link", { name: "Sign in with Staff login" }).click();
    await expect(tab.locator("input[name=username]")).toBeVisible();
    await button.click();
    await page.locator("input[name=username]").fill("eve");
    await page.locator("input[name=password]").fill("password");
    await page.locator("button[type=submit]").click();
    await expect(page.getByRole("alert")).toHaveText(/nothing is granted to you here/);
    await expect(page).toHaveURL(`${home}/ui/jobs`);
    await expect(button).toHaveAttribute("href", /again=true/);
    await tab.locator("input[name=username]").fill("ann");
    await tab.locator("input[name=password]").fill("password");
    await tab.locator("button[type=submit]").click();
    await expect(tab).toHaveURL(`${home}/ui/hosts`);
    await tab.close();
    await page.bringToFront();
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange"))); // headless tabs are never hidden
    await expect(page.getByRole("heading", { level: 1, name: "Jobs" })).toBeVisible();
  } finally {
    await provider.stop();
  }
});

test("a page of another origin changes and reads nothing", async ({ page, start, guard }) => {
  guard.allow(refused, /status of 403/, /status of 415/, /CORS/, /ERR_FAILED/, /ERR_BLOCKED/, /Cross-Origin/);
  const server = await start({ keys: true });
  const id = await server.createJob({ name: "Nightly" });
  await signIn(page, server, server.keys!.admin);
  // Another port of the same host is the same site: the browser sends the cookie.
  const evil = await listen(`<!doctype html><title>Evil</title><form method="post" enctype="text/plain"
    action="${server.url}/jobs/${id}/pause"><input name="x" value="y"></form>`);
  try {
    await page.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`);
    const got = await page.evaluate(
      async ([url, job]) => {
        const outcomes: string[] = [];
        for (const [method, path, mode, type] of [
          ["POST", `/jobs/${job}/pause`, "no-cors", "text/plain"],
          ["POST", `/jobs/${job}/pause`, "cors", "text/plain"],
          ["DELETE", `/jobs/${job}`, "cors", "text/plain"],
          ["PUT", `/jobs/${job}`, "cors", "application/json"],
          ["GET", "/jobs", "cors", ""],
          ["GET", "/keys", "cors", ""],
          ["DELETE", "/session", "cors", ""],
        ]) {
          try {
            const body = type === "application/json" ? '{"isActive":false}' : null;
            const headers: Record<string, string> = type ? { "Content-Type": type } : {};
            const res = await fetch(url + path!, { method: method!, mode: mode as RequestMode, credentials: "include", body, headers });
            outcomes.push(`${res.type} ${await res.text()}`);
          } catch {
            outcomes.push("refused");
          }
        }
        return outcomes;
      },
      [server.url, id],
    );
    expect(got.filter((o) => o !== "refused" && o !== "opaque ")).toEqual([]);
    await Promise.all([page.waitForURL(/\/pause$/), page.evaluate(() => document.forms[0]!.submit())]);
    const job = await server.request<{ isActive: boolean; version: number }>("GET", `/jobs/${id}`);
    expect([job.isActive, job.version]).toEqual([true, 1]);
    await page.goto(`${server.url}/ui/jobs`); // still signed in
    await expect(page.getByRole("heading", { level: 1, name: "Jobs" })).toBeVisible();
  } finally {
    await new Promise((done) => evil.close(done));
  }
});

function listen(html: string): Promise<Http> {
  return new Promise((resolve) => {
    const server = createServer((_, res) => res.setHeader("Content-Type", "text/html").end(html));
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing in the form for a key, ${colorScheme}, and it fits into 360 px`, async ({ page, start, guard }) => {
    guard.allow(refused);
    const server = await start({ keys: true });
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 360, height: 640 });
    await page.goto(`${server.url}/ui`);
    await expect(page.getByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
    expect(await axe(page)).toEqual([]);
    await expectNoSideScroll(page);
  });
}
