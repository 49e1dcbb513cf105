import { defineConfig } from "@playwright/test";
import tests from "./playwright.config.ts";

// `make browser-million`: the page with no, three and a million jobs. It measures, so nothing else should run beside it.
export default defineConfig({ ...tests, testMatch: "million.ts", workers: 1, timeout: 3_600_000 });
