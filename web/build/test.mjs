// test.mjs [NAME...]: runs the unit tests of web/test. They are bundled first, since Node 18 and 20 read no TypeScript.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { options, web } from "./build.mjs";

const names = readdirSync(join(web, "test")).filter((name) => /\.test\.tsx?$/.test(name));
const picked = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "belfry-page-"));
let status = 1;
try {
  await build({
    ...options,
    entryPoints: names.filter((n) => !picked.length || picked.some((p) => n.includes(p))).map((n) => join("test", n)),
    outbase: "test",
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    platform: "node",
    target: ["node18"],
    define: { DEV: "false" },
  });
  const files = readdirSync(folder).map((name) => join(folder, name));
  status = spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
process.exit(status);
