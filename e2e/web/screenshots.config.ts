import { defineConfig } from "@playwright/test";
import tests from "./playwright.config.ts";

// `make screenshots`: pictures of the views from sample-data.json, in bin/screenshots.
export default defineConfig({ ...tests, testMatch: "screenshots.ts", workers: 1, timeout: 600_000 });
