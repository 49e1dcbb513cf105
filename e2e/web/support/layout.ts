import { expect, type Page } from "@playwright/test";

// expectNoSideScroll checks that the page is not wider than the window, and names the
// elements that make it wider.
export async function expectNoSideScroll(page: Page): Promise<void> {
  const wide = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) {
      return [];
    }
    return [...document.querySelectorAll("body *")]
      .filter((e) => e.getBoundingClientRect().right > width + 0.5)
      .map((e) => e.outerHTML.slice(0, 200))
      .slice(0, 10)
      .concat(`the page is ${document.documentElement.scrollWidth} wide, the window ${width}`);
  });
  expect(wide).toEqual([]);
}
