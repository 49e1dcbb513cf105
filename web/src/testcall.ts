// A test call in words: its parts on a line of time, and request and answer as text.
import type { TestCall, TestRequest, TestResponse } from "./types.gen.ts";

interface Part {
  name: string;
  ms: number;
  /** Where it is on a line from 0 to 100. */
  left: number;
  width: number;
}

const names = [
  ["waitedMs", "Waited for its turn"],
  ["dnsMs", "Name looked up"],
  ["connectMs", "Connected"],
  ["tlsMs", "TLS agreed on"],
  ["firstByteMs", "Sent, until the answer began"],
] as const;

/** The parts that the call had, one after the other, and what remains: the rest of the answer. */
export function partsOf(t: TestCall["timings"]): Part[] {
  const all: [string, number][] = [];
  for (const [field, name] of names) {
    const ms = t[field];
    if (ms !== undefined) all.push([name, ms]);
  }
  const known = all.reduce((sum, [, ms]) => sum + ms, 0);
  const rest = t.totalMs - known;
  if (rest > 0) all.push([t.firstByteMs === undefined ? "Nothing came" : "Rest of the answer", rest]);
  const length = Math.max(known, t.totalMs, 0.001);
  let at = 0;
  return all.map(([name, ms]) => {
    const left = Math.min(99, (at / length) * 100);
    at += ms;
    return { name, ms, left, width: Math.min(100 - left, Math.max(1, (ms / length) * 100)) };
  });
}

/** The request as it was sent, secrets masked. */
export function requestText(r: TestRequest): string {
  let path = r.url;
  try {
    const url = new URL(r.url);
    path = url.pathname + url.search;
  } catch {
    // it is shown as it is
  }
  return messageText(`${r.method} ${path}`, r);
}

/** The answer as it came. */
export const responseText = (r: TestResponse): string => messageText(`${r.protocol} ${r.status}`, r);

function messageText(first: string, m: TestRequest | TestResponse): string {
  const lines = [first, ...(m.headers ?? []).map((h) => `${h.name}: ${h.value}`)];
  if (m.withheld) lines.push("", `(${m.bodyBytes} bytes that may have secrets of the job are not shown)`);
  else if (m.bodyEncoding === "base64") lines.push("", `(${m.bodyBytes} bytes that are no text, as base64)`, m.body);
  else if (m.body) lines.push("", m.body);
  if (m.cut) lines.push("", `(cut after ${m.bodyBytes} bytes)`);
  return lines.join("\n");
}
