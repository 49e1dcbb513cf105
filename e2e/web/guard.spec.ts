import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test as base } from "@playwright/test";
import { axe } from "./support/axe.ts";
import { Guard } from "./support/guard.ts";
import { expectNoSideScroll } from "./support/layout.ts";
import { expect } from "./support/test.ts";

// These tests plant faults in a page of their own, to see that the other tests would
// find them in the page of Belfry.

const test = base.extend<{ serve: (body: string) => Promise<string> }>({
  serve: async ({}, use) => {
    const servers: HttpServer[] = [];
    await use(async (body) => {
      const server = createServer((request, response) => {
        const page = request.url === "/";
        response.writeHead(page ? 200 : 404, {
          "Content-Type": page ? "text/html; charset=utf-8" : "text/plain",
          "Content-Security-Policy": "default-src 'none'; script-src 'nonce-n'; connect-src http:; img-src data:",
        });
        response.end(page ? `<!doctype html><html lang="en"><title>t</title><link rel="icon" href="data:,">${body}` : "");
      });
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    });
    servers.forEach((server) => server.close());
  },
});

const script = (text: string) => `<script nonce="n">${text}</script>`;
const planted: [name: string, body: string, found: RegExp][] = [
  ["an error on the console", script("console.error('planted')"), /^console: planted/],
  ["a warning on the console", script("console.warn('planted')"), /^console: planted/],
  ["an exception", script("setTimeout(() => { throw new Error('planted') })"), /^not handled: planted/],
  ["a rejection", script("Promise.reject(new Error('planted'))"), /^not handled: planted/],
  ["a script that is not allowed", "<script>1</script>", /^refused: script-src-elem inline/],
  ["a style that is not allowed", "<p style='color:red'>x</p>", /^refused: style-src-attr inline/],
  ["eval", script("try { eval('1') } catch {}"), /^refused: script-src eval/],
  ["a call that fails", script("fetch('/nothing')"), /^console: Failed to load resource.*404/],
  ["another host", script("fetch('http://localhost:9/').catch(() => {})"), /^another host: http:\/\/localhost/],
];

for (const [name, body, found] of planted) {
  test(`the guard finds ${name}`, async ({ page, serve }) => {
    const guard = new Guard();
    await guard.watch(page);
    await page.goto(await serve(body));
    await expect.poll(() => guard.found().join("\n")).toMatch(new RegExp(found.source, "m"));
    guard.allow(/./);
    expect(guard.found()).toEqual([]);
  });
}

test("the guard finds nothing on a page without a fault", async ({ page, serve }) => {
  const guard = new Guard();
  await guard.watch(page);
  await page.goto(await serve(`<main><h1>x</h1></main>${script("document.title = 'done'")}`));
  await expect(page).toHaveTitle("done");
  expect(guard.found()).toEqual([]);
});

test("axe finds a button without a name", async ({ page, serve }) => {
  await page.goto(await serve("<main><h1>x</h1><button></button></main>"));
  expect((await axe(page)).join("\n")).toMatch(/^button-name at 1 places/m);
});

test("a page that is too wide is found", async ({ page, serve }) => {
  await page.setViewportSize({ width: 360, height: 640 });
  await page.goto(await serve("<canvas width=500></canvas>"));
  await expect(expectNoSideScroll(page)).rejects.toThrow(/the page is \d+ wide, the window 360/);
});
