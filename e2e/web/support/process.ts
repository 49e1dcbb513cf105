import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

// binary is what `make build` has built.
export const binary =
  process.env.BELFRY_BINARY ?? fileURLToPath(new URL("../../../bin/belfry", import.meta.url));

// provider is a provider of OpenID Connect, which `make browser` builds from tools/oidc.
export const provider =
  process.env.BELFRY_PROVIDER ?? fileURLToPath(new URL("../../../bin/oidc", import.meta.url));

// A Process is a belfry in a process of its own, or another program, with all that it has printed.
export class Process {
  output = "";
  private child: ChildProcess;
  private listeners = new Set<() => void>();
  private ended: Promise<string>;
  private alive = true;

  constructor(args: string[], cwd: string, env: Record<string, string>, program = binary) {
    this.child = spawn(program, args, { cwd, env: { PATH: process.env.PATH ?? "", ...env } });
    const add = (chunk: Buffer) => {
      this.output += chunk.toString();
      this.listeners.forEach((listener) => listener());
    };
    this.child.stdout!.on("data", add);
    this.child.stderr!.on("data", add);
    this.ended = new Promise((resolve) => {
      this.child.on("error", (err) => resolve(String(err)));
      this.child.on("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    void this.ended.then(() => {
      this.alive = false;
      this.listeners.forEach((listener) => listener());
    });
  }

  // printed waits until the output matches, and returns the first group.
  printed(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(this.output);
        if (found) {
          this.listeners.delete(look);
          resolve(found[1] ?? found[0]);
        } else if (!this.alive) {
          this.listeners.delete(look);
          reject(new Error(`belfry ended before it printed ${pattern}:\n${this.output}`));
        }
      };
      this.listeners.add(look);
      look();
    });
  }

  // end sends a signal and waits for the end.
  end(signal: NodeJS.Signals): Promise<string> {
    if (this.alive) {
      this.child.kill(signal);
    }
    return this.ended;
  }
}
