import type { Page } from "@playwright/test";

// A Guard collects what a page must not do: a line of the console that is an error or a
// warning, an exception or a rejection that nobody handles, a request to another host,
// and anything that the Content-Security-Policy refuses.
export class Guard {
  private faults: string[] = [];
  private ended = false;
  private allowed: RegExp[] = [];

  // allow excuses faults that a test causes on purpose, as a server that is killed.
  allow(...patterns: RegExp[]): void {
    this.allowed.push(...patterns);
  }

  // end ends the watch: what follows is that the servers of the test stop.
  end(): void {
    this.ended = true;
  }

  found(): string[] {
    return this.faults.filter((fault) => !this.allowed.some((pattern) => pattern.test(fault)));
  }

  private add(fault: string): void {
    if (!this.ended) {
      this.faults.push(fault);
    }
  }

  async watch(page: Page): Promise<void> {
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") {
        this.add(`console: ${message.text()} (${message.location().url})`);
      }
    });
    page.on("pageerror", (err) => this.add(`not handled: ${err.message}`));
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.protocol.startsWith("http") && url.hostname !== "127.0.0.1") {
        this.add(`another host: ${request.url()}`);
      }
    });
    // The browser prints refusals on the console too, but not all of them.
    await page.exposeFunction("belfryRefused", (what: string) => this.add(`refused: ${what}`));
    await page.addInitScript(() => {
      const w = window as unknown as { belfryRefused: (what: string) => void };
      document.addEventListener("securitypolicyviolation", (e) => {
        w.belfryRefused(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`);
      });
    });
  }
}
