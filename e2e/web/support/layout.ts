import { expect, type Page } from "@playwright/test";

interface Shift {
  value: number;
  what: string;
}

// watchShifts collects how far what is shown jumps by itself, from the next load on.
export async function watchShifts(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const w = window as unknown as { belfryShifts: Shift[] };
    w.belfryShifts = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as unknown as LayoutShift[]) {
        if (entry.hadRecentInput) continue;
        const moved = entry.sources.map(({ node, previousRect: a, currentRect: b }) => {
          const name = node instanceof Element ? node.outerHTML.slice(0, 120) : (node?.textContent ?? "").slice(0, 60);
          return `${name} from ${a.x},${a.y} ${a.width}x${a.height} to ${b.x},${b.y} ${b.width}x${b.height}`;
        });
        w.belfryShifts.push({ value: entry.value, what: moved.join("\n  ") });
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
}

interface LayoutShift {
  value: number;
  hadRecentInput: boolean;
  sources: { node?: Node; previousRect: DOMRect; currentRect: DOMRect }[];
}

// shiftsOf returns the sum of the shifts since the page was loaded (as the measure Cumulative Layout Shift has it, but
// over all of the time), and what has moved.
export async function shiftsOf(page: Page): Promise<Shift> {
  const all = await page.evaluate(() => (window as unknown as { belfryShifts: Shift[] }).belfryShifts);
  return {
    value: all.reduce((sum, shift) => sum + shift.value, 0),
    what: all.map((s) => `${s.value.toFixed(4)}\n  ${s.what}`).join("\n"),
  };
}

// expectNoShift checks that nothing has jumped that could be seen.
export async function expectNoShift(page: Page, where: string): Promise<void> {
  const shift = await shiftsOf(page);
  expect(shift.value, `${where}: what is shown jumps\n${shift.what}`).toBeLessThanOrEqual(0.05);
}

// wider returns the elements that make the page wider than its window; none: it is not.
export function wider(page: Page): Promise<string[]> {
  return page.evaluate(() => {
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
}

// expectNoSideScroll checks that the page is not wider than the window, and names the
// elements that make it wider.
export async function expectNoSideScroll(page: Page): Promise<void> {
  expect(await wider(page)).toEqual([]);
}
