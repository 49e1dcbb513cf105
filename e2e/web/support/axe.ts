import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "@playwright/test";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// The rules of WCAG 2.2 AA, and what axe advises beside.
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"];

interface Violation {
  id: string;
  help: string;
  nodes: { html: string; failureSummary?: string }[];
}

// axe returns what axe finds on a page: a line for each rule, with some of the places. It
// is evaluated by the debugger, to which the page's policy does not apply.
export async function axe(page: Page): Promise<string[]> {
  await page.evaluate(source);
  const violations = await page.evaluate(async (values) => {
    const w = window as unknown as {
      axe: { run(what: Document, how: unknown): Promise<{ violations: Violation[] }> };
    };
    return (await w.axe.run(document, { runOnly: { type: "tag", values } })).violations;
  }, tags);
  return violations.map((v) => {
    const places = v.nodes.slice(0, 5).map((n) => `\n  ${n.html.slice(0, 300)}\n  ${n.failureSummary ?? ""}`);
    return `${v.id} at ${v.nodes.length} places: ${v.help}${places.join("")}`;
  });
}
