import { axe } from "./support/axe.ts";
import { expectNoSideScroll } from "./support/layout.ts";
import { expect, test } from "./support/test.ts";

// The reference of the API: a page without scripts.

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing in the reference, ${colorScheme}`, async ({ page, empty }) => {
    await page.emulateMedia({ colorScheme });
    await page.goto(`${empty.url}/docs`);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    // All sections are of one form; axe takes half a minute for those of hundreds.
    await page.evaluate(() => document.querySelectorAll("section:nth-of-type(n+6)").forEach((e) => e.remove()));
    expect(await axe(page)).toEqual([]);
  });
}

test("the reference fits into 360 px", async ({ page, empty }) => {
  await page.setViewportSize({ width: 360, height: 640 });
  await page.goto(`${empty.url}/docs`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expectNoSideScroll(page);
});
