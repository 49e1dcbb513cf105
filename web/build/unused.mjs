// unused.mjs: names what nobody uses, and fails if there is some: exports that no other file names, classes of the style
// that nothing has, icons that are not shown, and members of props that are never read. tsc finds what is not exported.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { web } from "./build.mjs";

const read = (folder, end) =>
  readdirSync(join(web, folder), { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((name) => end.test(name) && !name.endsWith(".gen.ts"))
    .map((name) => ({ name, text: readFileSync(join(web, name), "utf8") }));

const sources = read("src", /\.tsx?$/);
const tests = read("test", /\.tsx?$/);
const all = sources.map((f) => f.text).join("\n");
const word = (name) => new RegExp(`(?<![\\w$-])${name}(?![\\w$-])`);

/** Exports that no other file of the page or of its tests names. */
function exportsOf() {
  const found = [];
  for (const { name, text } of sources) {
    const others = [...sources, ...tests].filter((f) => f.name !== name).map((f) => f.text);
    for (const [, exported] of text.matchAll(
      /^export (?:async )?(?:abstract )?(?:const|let|function|class|interface|type) (\w+)/gm,
    )) {
      if (!others.some((other) => word(exported).test(other))) found.push(`${name}: nobody imports ${exported}`);
    }
  }
  return found;
}

/** Classes of the style that no source names. Those of columns and of statuses are put together: c-NAME, s-STATUS. */
function classes() {
  const style = readFileSync(join(web, "src/app.css"), "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
  const names = new Set();
  for (const [, selector] of style.matchAll(/([^{}]+)\{/g)) {
    for (const [, name] of selector.matchAll(/\.([a-z][\w-]*)/g)) names.add(name);
  }
  const used = (name) => {
    if (name.startsWith("c-")) return all.includes(`name: "${name.slice(2)}"`);
    if (name.startsWith("s-") && word(name.slice(2).toUpperCase()).test(all)) return true;
    return word(name).test(all);
  };
  return [...names].filter((name) => !used(name)).map((name) => `src/app.css: nothing has the class ${name}`);
}

/** Icons that are drawn nowhere. */
function icons() {
  const text = sources.find((f) => f.name.endsWith("basics.tsx")).text;
  const list = /const paths: Record<string, string> = \{([\s\S]*?)\n\};/.exec(text)[1];
  return [...list.matchAll(/^ {2}(\w+):/gm)]
    .map(([, name]) => name)
    .filter((name) => !all.includes(`"${name}"`) && !word(name.toUpperCase()).test(all))
    .map((name) => `src/ui/basics.tsx: nothing shows the icon ${name}`);
}

/** Members of the props of components that the component never reads. */
function props() {
  const found = [];
  for (const { name, text } of sources) {
    for (const [whole, type] of text.matchAll(/\(props: \{\n([\s\S]*?)\n\}\)/g)) {
      const rest = text.slice(text.indexOf(whole) + whole.length);
      const body = rest.slice(0, rest.search(/\n\}\n/));
      for (const [, member] of type.matchAll(/^ {2}(\w+)\??:/gm)) {
        if (!word(member).test(body)) found.push(`${name}: a component has ${member} and never reads it`);
      }
    }
  }
  return found;
}

const found = [...exportsOf(), ...classes(), ...icons(), ...props()];
for (const line of found) process.stderr.write(`${line}\n`);
process.exitCode = found.length > 0 ? 1 : 0;
