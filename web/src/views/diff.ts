// What differs between two versions of a job, field by field.
import type { CurrentSpec, Version } from "../types.gen.ts";

type Held = Pick<Version, "isActive" | "pausedReason" | "pausedUntil" | "spec">;

export interface Difference {
  field: string;
  before: string;
  after: string;
}

/** The value of a field as the API names it: "schedule", "isActive", "retry.maxRetries", "headers.X-Team". */
export function shownValue(v: Held, field: string): string {
  if (field === "isActive") return v.isActive ? "active" : "paused";
  if (field === "pausedReason") return v.pausedReason ?? "–";
  if (field === "pausedUntil") return v.pausedUntil ? new Date(v.pausedUntil).toISOString() : "–";
  const dot = field.indexOf(".");
  const top = dot < 0 ? field : field.slice(0, dot);
  let value: unknown = v.spec[top as keyof CurrentSpec];
  if (dot >= 0) value = (value as Record<string, unknown> | undefined)?.[field.slice(dot + 1)];
  if (value === undefined || value === null) return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Values longer than this are cut: whoever wants all of it has the job as JSON. */
const longest = 200;

/** What the fields were and are. */
export function differences(before: Held, after: Held, fields: string[]): Difference[] {
  const cut = (text: string): string => (text.length > longest ? `${text.slice(0, longest)}…` : text);
  return fields.map((field) => ({
    field,
    before: cut(shownValue(before, field)),
    after: cut(shownValue(after, field)),
  }));
}

/** The fields in which two versions differ, by what is shown of them. */
export function fieldsThatDiffer(a: Held, b: Held): string[] {
  const nested = new Set(["retry", "misfire", "dst", "headers"]);
  const names = new Set(["isActive", "pausedReason", "pausedUntil"]);
  for (const spec of [a.spec, b.spec]) {
    for (const [name, value] of Object.entries(spec)) {
      if (!nested.has(name)) names.add(name);
      else for (const member of Object.keys((value as object | null) ?? {})) names.add(`${name}.${member}`);
    }
  }
  return [...names].filter((name) => shownValue(a, name) !== shownValue(b, name)).sort();
}
