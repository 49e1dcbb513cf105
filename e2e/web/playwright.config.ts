import { defineConfig } from "@playwright/test";
import { browser } from "./support/browser.ts";

// BELFRY_BROWSER_WORKERS: each worker has a browser, and its tests start servers of
// their own. They wait more than they compute.
const workers = Number(process.env.BELFRY_BROWSER_WORKERS ?? 2);

export default defineConfig({
  testDir: ".",
  testMatch: "*.spec.ts",
  outputDir: "../../bin/browser",
  fullyParallel: true,
  forbidOnly: true,
  workers,
  // Bounds for a machine whose cores are busy with other steps; nothing is measured by them.
  timeout: 120_000,
  expect: { timeout: 30_000 },
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    launchOptions: { executablePath: browser() },
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    viewport: { width: 1280, height: 800 },
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
  },
});
