// types.mjs DOCUMENT: prints the types of the API as TypeScript, from its OpenAPI document.
//
// Each schema becomes an interface, each operation an entry of Routes: what its path, query and body take, and
// what it answers. Descriptions become comments.
import { readFileSync } from "node:fs";

const doc = JSON.parse(readFileSync(process.argv[2], "utf8"));
const out = ["// Generated from the OpenAPI document by `make web-types`. Do not edit.", "/* eslint-disable */", ""];

/** The type of a schema in TypeScript. */
function typeOf(s, indent = "") {
  if (s === undefined || s === true) return "unknown";
  if (s.$ref) return s.$ref.split("/").pop();
  if (s.const !== undefined) return JSON.stringify(s.const);
  if (s.enum) return unique(s.enum.map((v) => JSON.stringify(v)));
  const any = s.anyOf ?? s.oneOf;
  if (any) return unique(any.map((one) => typeOf(one, indent)));
  if (Array.isArray(s.type)) return unique(s.type.map((type) => typeOf({ ...s, type }, indent)));
  switch (s.type) {
    case "string":
      return "string";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "null":
      return "null";
    case "array": {
      const items = typeOf(s.items, indent);
      return /^[\w"]+$/.test(items) ? `${items}[]` : `Array<${items}>`;
    }
    case "object":
      if (s.properties) return objectOf(s, indent);
      return typeof s.additionalProperties === "object"
        ? `Record<string, ${typeOf(s.additionalProperties, indent)}>`
        : "Record<string, unknown>";
  }
  return "unknown";
}

const unique = (all) => [...new Set(all)].join(" | ");

function objectOf(s, indent) {
  const inner = `${indent}  `;
  const lines = Object.entries(s.properties).map(([name, p]) => {
    const optional = s.required?.includes(name) ? "" : "?";
    const key = /^[a-zA-Z_]\w*$/.test(name) ? name : JSON.stringify(name);
    return `${comment(p.description, inner)}${inner}${key}${optional}: ${typeOf(p, inner)};\n`;
  });
  return lines.length ? `{\n${lines.join("")}${indent}}` : "Record<string, never>";
}

function comment(text, indent) {
  return text ? `${indent}/** ${text.replace(/\s+/g, " ").replaceAll("*/", "* /")} */\n` : "";
}

for (const [name, s] of Object.entries(doc.components.schemas).sort(([a], [b]) => (a < b ? -1 : 1))) {
  const plain = s.type === "object" && s.properties && Object.keys(s.properties).length;
  out.push(
    comment(s.description, "") +
      (plain ? `export interface ${name} ` : `export type ${name} = `) +
      typeOf(s) +
      (plain ? "\n" : ";\n"),
  );
}

/** What an operation takes in its path or query, as one object type. */
function parameters(op, item, where) {
  const all = [...(item.parameters ?? []), ...(op.parameters ?? [])].filter((p) => p.in === where);
  if (!all.length) return "Record<never, never>";
  return objectOf(
    {
      properties: Object.fromEntries(all.map((p) => [p.name, { ...p.schema, description: p.description }])),
      required: all.filter((p) => p.required).map((p) => p.name),
    },
    "    ",
  );
}

function answerOf(op) {
  const types = Object.entries(op.responses)
    .filter(([status]) => status.startsWith("2"))
    .map(([, r]) => {
      const media = r.content?.["application/json"];
      return media ? typeOf(media.schema, "    ") : r.content ? "string" : "undefined";
    });
  return unique(types) || "undefined";
}

out.push("export interface Routes {");
for (const [path, item] of Object.entries(doc.paths).sort(([a], [b]) => (a < b ? -1 : 1))) {
  for (const method of ["get", "post", "put", "patch", "delete"]) {
    const op = item[method];
    if (!op) continue;
    const body = Object.values(op.requestBody?.content ?? {})[0]?.schema;
    out.push(`  "${method.toUpperCase()} ${path}": {`);
    out.push(`    path: ${parameters(op, item, "path")};`);
    out.push(`    query: ${parameters(op, item, "query")};`);
    out.push(`    body: ${body ? typeOf(body, "    ") : "undefined"};`);
    out.push(`    answer: ${answerOf(op)};`);
    out.push("  };");
  }
}
out.push("}", "");
process.stdout.write(out.join("\n"));
