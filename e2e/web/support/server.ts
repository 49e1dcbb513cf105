import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:net";
import { Process, provider } from "./process.ts";

// Keys of a server, by role: the admin's is one of its settings, the others are made. A server without keys answers
// everyone as an admin.
export interface Keys {
  admin: string;
  operator: string;
  reader: string;
}

export interface ServerOptions {
  keys?: boolean;
  args?: string[];
  port?: number;
  env?: Record<string, string>;
}

const adminKey = "admin-key-of-the-browser-tests-0123456789";

// A Server is `belfry serve` on a port of loopback, with a database in a folder that is
// removed when it stops.
export class Server {
  url = "";
  keys?: Keys;

  private constructor(
    private folder: string,
    private port: string,
    private options: ServerOptions,
    private process?: Process,
  ) {
    if (options.keys) {
      this.keys = { admin: adminKey, operator: "", reader: "" };
    }
  }

  static async start(options: ServerOptions = {}): Promise<Server> {
    const port = String(options.port ?? (await freePort()));
    const server = new Server(await mkdtemp(join(tmpdir(), "belfry-browser-")), port, options);
    await server.run();
    if (server.keys) {
      server.keys.operator = (await server.createKey("operator", "editor")).key;
      server.keys.reader = (await server.createKey("reader", "viewer")).key;
    }
    return server;
  }

  // run starts the process: after a kill on the same port and the same database.
  async run(): Promise<void> {
    const env: Record<string, string> = { ...this.options.env };
    if (this.keys) {
      env.BELFRY_API_KEYS = this.keys.admin;
      env.HOST = "127.0.0.1"; // with keys it would listen on all addresses
    }
    const args = ["serve", "--port", this.port, "--db-path", join(this.folder, "jobs.db"), "--shutdown-grace", "1s"];
    this.process = new Process([...args, ...(this.options.args ?? [])], this.folder, env);
    this.url = await this.process.printed(/"belfry is running","address":"([^"]+)"/);
  }

  log(): string {
    return this.process?.output ?? "";
  }

  async kill(): Promise<void> {
    await this.process?.end("SIGKILL");
  }

  async stop(): Promise<void> {
    const how = await this.process?.end("SIGTERM");
    await rm(this.folder, { recursive: true, force: true });
    if (how !== "exit code 0" && how !== "SIGKILL") {
      throw new Error(`belfry ended with ${how}:\n${this.log()}`);
    }
  }

  // request calls the API: as an admin, where there are keys.
  async request<T>(method: string, path: string, body?: unknown): Promise<T> {
    const headers: Record<string, string> = {};
    if (this.keys) {
      headers.Authorization = `Bearer ${this.keys.admin}`;
    }
    if (body !== undefined) {
      headers["Content-Type"] = typeof body === "string" ? "application/x-ndjson" : "application/json";
    }
    const answer = await fetch(this.url + path, {
      method,
      headers,
      body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) {
      throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
    }
    return (text ? JSON.parse(text) : undefined) as T;
  }

  // createKey makes an API key.
  createKey(name: string, role: string): Promise<{ key: string; id: string }> {
    return this.request("POST", "/keys", { name, role });
  }

  // createJob returns the id of a new job.
  async createJob(job: Record<string, unknown>): Promise<string> {
    const made = await this.request<{ jobId: string }>("POST", "/jobs", {
      schedule: "0 0 4 * * *",
      api: "http://127.0.0.1:9/never",
      type: "ATLEAST_ONCE",
      ...job,
    });
    return made.jobId;
  }
}

// A Receiver is `belfry receiver` on a port of loopback: a target.
export class Receiver {
  url = "";
  private process?: Process;

  private constructor(
    private host: string,
    readonly port: string,
  ) {}

  static async start(host = "127.0.0.1"): Promise<Receiver> {
    const receiver = new Receiver(host, String(await freePort(host)));
    await receiver.run();
    return receiver;
  }

  // run starts the process: after a stop on the same port.
  async run(): Promise<void> {
    this.process = new Process(["receiver", "--addr", `${this.host}:${this.port}`], tmpdir(), {});
    this.url = await this.process.printed(/receiver listens on (\S+)/);
  }

  async stop(): Promise<void> {
    await this.process?.end("SIGTERM");
  }
}

// The ports of freePort lie below those that a system gives to who asks for any port, and below those of the tests in
// e2e: nobody takes one while the server that it is for is down. Each of eight workers has ports of its own.
const firstPort = 12_000;
const portsOfWorker = 1_000;
const worker = Number(process.env.TEST_PARALLEL_INDEX ?? 0) % 8;
const given = new Set<number>();

// freePort returns a port on which nobody listens, and which it has not returned before.
export async function freePort(host = "127.0.0.1"): Promise<number> {
  for (let tried = 0; tried < 1_000; tried++) {
    const port = firstPort + worker * portsOfWorker + Math.floor(Math.random() * portsOfWorker);
    if (!given.has(port) && (await isFree(host, port))) {
      given.add(port);
      return port;
    }
  }
  throw new Error("no free port was found");
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

// A Provider is one of OpenID Connect on a port of loopback. Its people are ann, bob and eve, whose address is not
// verified; their password is "password".
export class Provider {
  url = "";
  private process?: Process;

  static async start(secret: string, redirect: string): Promise<Provider> {
    const started = new Provider();
    started.process = new Process(["-secret", secret, "-redirect", redirect], tmpdir(), {}, provider);
    started.url = await started.process.printed(/issuer (\S+)/);
    return started;
  }

  async stop(): Promise<void> {
    await this.process?.end("SIGTERM");
  }
}
