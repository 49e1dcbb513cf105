// dev.mjs: serves the page from web/ at PORT (3001) and reloads it when a source changes. All else is passed on to the
// server at BELFRY_URL (http://localhost:3000), so that the page and the API have one origin, as in the binary.
import { createServer, request } from "node:http";
import { context } from "esbuild";
import { options, shell } from "./build.mjs";

const target = new URL(process.env.BELFRY_URL ?? "http://localhost:3000");
const port = Number(process.env.PORT ?? 3001);
const files = new Map();
const readers = new Set();

const reload = {
  name: "reload",
  setup(build) {
    build.onEnd((result) => {
      if (result.errors.length) return;
      files.clear();
      for (const f of result.outputFiles) files.set(`/ui/assets/${f.path.split(/[\\/]/).pop()}`, f.contents);
      for (const reader of readers) reader.write("event: change\ndata: \n\n");
    });
  },
};
const watch = await context({
  ...options,
  write: false,
  sourcemap: "inline",
  define: { DEV: "true" },
  plugins: [reload],
});
await watch.watch();

createServer((req, res) => {
  const path = req.url.split("?")[0];
  if (path === "/ui/dev") {
    res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" }).write(": here\n\n");
    readers.add(res);
    res.on("close", () => readers.delete(res));
  } else if (files.has(path)) {
    const type = path.endsWith(".css") ? "text/css" : "text/javascript";
    res.writeHead(200, { "Content-Type": `${type}; charset=utf-8`, "Cache-Control": "no-store" }).end(files.get(path));
  } else if (
    path === "/ui" ||
    path.startsWith("/ui/") ||
    (path === "/" && /text\/html/.test(req.headers.accept ?? ""))
  ) {
    res.writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store" });
    res.end(shell("/ui/assets/app.js", "/ui/assets/app.css"));
  } else pass(req, res);
}).listen(port, "localhost", () => {
  process.stdout.write(`the page: http://localhost:${port}, the server: ${target.origin}\n`);
});

function pass(req, res) {
  const { hostname, port: at } = target;
  const headers = { ...req.headers, host: target.host };
  const onward = request({ hostname, port: at, path: req.url, method: req.method, headers }, (answer) => {
    res.writeHead(answer.statusCode, answer.headers);
    answer.pipe(res);
  });
  onward.on("error", () => res.destroy());
  res.on("close", () => onward.destroy());
  req.pipe(onward);
}
