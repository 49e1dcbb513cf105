// build.mjs: builds the page into internal/page/dist. The same sources make the same bytes.
//
//	dist/index.html            the shell: it names the other files, and has no script or style of its own
//	dist/assets/NAME-HASH.js   named by their content, so that a browser may keep them
//	dist/assets/NAME-HASH.css
//
// A file that would not change is not written: a build of Go that runs at the same time embeds whole files.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export const web = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const dist = resolve(web, "../internal/page/dist");

/** What esbuild is told, for the build and for `make web-dev`. */
export const options = {
  absWorkingDir: web,
  entryPoints: ["src/app.tsx", "src/app.css"],
  bundle: true,
  preserveSymlinks: true, // the order of what is bundled follows paths: node_modules may be a link to another folder
  format: "esm",
  target: ["es2022", "chrome109", "firefox115", "safari16.4"],
  jsx: "automatic",
  jsxImportSource: "preact",
  outbase: "src",
  outdir: "/assets",
  legalComments: "none",
  logLevel: "warning",
};

/** The shell with the paths of script and style in it. */
export function shell(script, style) {
  return readFileSync(join(web, "src/index.html"), "utf8").replace("{script}", script).replace("{style}", style);
}

async function main() {
  const result = await build({
    ...options,
    minify: true,
    write: false,
    entryNames: "[name]-[hash]",
    define: { DEV: "false" },
  });
  const files = new Map(result.outputFiles.map((f) => [`assets/${f.path.split(/[\\/]/).pop()}`, f.contents]));
  const path = (end) => `/ui/${[...files.keys()].find((name) => name.endsWith(end))}`;
  files.set("index.html", Buffer.from(shell(path(".js"), path(".css"))));
  for (const [name, content] of files) write(join(dist, name), content);
  remove(dist, files);
}

function write(path, content) {
  try {
    if (readFileSync(path).equals(Buffer.from(content))) return;
  } catch {
    mkdirSync(dirname(path), { recursive: true });
  }
  writeFileSync(path, content);
}

/** Removes what an earlier build has made. */
function remove(folder, files) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) remove(path, files);
    else if (!entry.name.startsWith(".") && !files.has(relative(dist, path).replaceAll("\\", "/"))) rmSync(path);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
