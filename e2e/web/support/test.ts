import { test as base, expect } from "@playwright/test";
import { Guard } from "./guard.ts";
import { Receiver, Server, type ServerOptions } from "./server.ts";

interface Fixtures {
  guard: Guard;
  receiver: Receiver;
  // start runs a server that ends with the test.
  start: (options?: ServerOptions) => Promise<Server>;
}

interface WorkerFixtures {
  // empty is a server without keys and without jobs; tests that share it change nothing.
  empty: Server;
}

// test watches the page of each test: what the guard finds fails it.
export const test = base.extend<Fixtures, WorkerFixtures>({
  empty: [
    async ({}, use) => {
      const server = await Server.start();
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
  guard: [
    async ({ page }, use) => {
      const guard = new Guard();
      await guard.watch(page);
      await use(guard);
      expect(guard.found(), "what the page did that it must not do").toEqual([]);
    },
    { auto: true },
  ],
  receiver: async ({}, use) => {
    const receiver = await Receiver.start();
    await use(receiver);
    await receiver.stop();
  },
  start: async ({ guard }, use, info) => {
    const servers: Server[] = [];
    await use(async (options) => {
      const server = await Server.start(options);
      servers.push(server);
      return server;
    });
    if (info.status !== info.expectedStatus) {
      for (const server of servers) {
        await info.attach("server.log", { body: server.log() });
      }
    }
    guard.end();
    await Promise.all(servers.map((server) => server.stop()));
  },
});

export { expect };
