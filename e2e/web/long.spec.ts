import type { Page } from "@playwright/test";
import { expectNoSideScroll, wider } from "./support/layout.ts";
import { expect, test } from "./support/test.ts";

// Texts that people do have: long, without a space, from right to left, with emoji. They break no view at 360 px.

const names: [string, string][] = [
  ["long", "x".repeat(200)],
  ["words", "the invoices of all the tenants that were not paid within thirty days ".repeat(3).trim().slice(0, 200)],
  ["right to left", "\u05d7\u05e9\u05d1\u05d5\u05e0\u05d9\u05d5\u05ea ".repeat(14).trim()],
  ["emoji", "\u{1f514}\u{1f680}".repeat(100)],
];
const url = `http://127.0.0.1:9/${"segment".repeat(40)}?${"q".repeat(300)}`;
const tag = "t".repeat(64);

const ready = async (page: Page): Promise<void> => {
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator(".skeleton, .waiting")).toHaveCount(0);
};

test("texts that are long or of another script fit into 360 px, and at 200 %", async ({ page, start }) => {
  test.slow();
  const server = await start();
  const jobs: string[] = [];
  for (const [, name] of names) {
    const retry = { maxRetries: 0 };
    const job = { name, api: url, schedule: "* * * * * *", tags: [tag, "b".repeat(64)], retry };
    jobs.push(await server.createJob({ ...job, headers: { "X-Long": "h".repeat(500) }, body: "y".repeat(900) }));
  }
  const failed = async (): Promise<{ id: string }[]> =>
    (await server.request<{ executions: { id: string }[] }>("GET", "/executions?status=FAILED&limit=9")).executions;
  await expect.poll(async () => (await failed()).length).toBeGreaterThan(4);
  const one = (await failed())[0]!.id;
  const paths = ["/", "/jobs", "/failed", "/alerts", "/running", "/changes", "/hosts", "/forecast", `/executions/${one}`];
  for (const id of jobs) paths.push(`/jobs/${id}`);
  paths.push(`/jobs/${jobs[0]}/edit`, `/jobs/new?from=${jobs[0]}`, `/jobs?tag=${tag}&text=x&host=127.0.0.1`);
  const found: string[] = [];
  for (const path of paths) {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.goto(`${server.url}/ui${path}`);
    await ready(page);
    const narrow = await wider(page);
    await page.setViewportSize({ width: 640, height: 400 });
    found.push(...[...narrow, ...(await wider(page))].map((line) => `${path}: ${line}`));
  }
  expect(found).toEqual([]);
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto(`${server.url}/ui/jobs/${jobs[0]}`);
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toBeVisible();
  expect(await dialog.evaluate((e) => e.scrollWidth - e.clientWidth)).toBeLessThanOrEqual(0);
  await expectNoSideScroll(page);
});
