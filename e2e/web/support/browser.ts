import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const names = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"];

// browser returns the path of the distribution's Chromium, or of BELFRY_BROWSER.
export function browser(): string {
  if (process.env.BELFRY_BROWSER) {
    return process.env.BELFRY_BROWSER;
  }
  for (const name of names) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // It is not there; the next one may be.
      }
    }
  }
  throw new Error("there is no Chromium: .ci/browser installs it, or BELFRY_BROWSER names one");
}
