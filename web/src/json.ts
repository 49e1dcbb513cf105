// JSON texts whose bytes matter. JSON.parse and JSON.stringify make 1 of 1.0, and of 12345678901234567890 another number:
// the body of a job goes back as it came, and is shown so.

/** Where the string that begins at a place of a text ends: after its quote. */
function endOfString(text: string, from: number): number {
  for (let i = from + 1; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === '"') return i + 1;
  }
  return text.length;
}

/** Where the value that begins at a place of a text ends. */
function endOfValue(text: string, from: number): number {
  let depth = 0;
  for (let i = from; i < text.length; ) {
    const c = text[i];
    if (c === '"') {
      i = endOfString(text, i);
      if (depth === 0) return i;
      continue;
    }
    if (c === "{" || c === "[") depth++;
    else if (c === "}" || c === "]") {
      if (depth < 2) return depth === 0 ? i : i + 1; // of what is around a number, or of the value itself
      depth--;
    } else if (c === "," && depth === 0) return i;
    i++;
  }
  return text.length;
}

const isSpace = (c: string | undefined): boolean => c === " " || c === "\n" || c === "\r" || c === "\t";

function afterSpace(text: string, from: number): number {
  let i = from;
  while (isSpace(text[i])) i++;
  return i;
}

/** A document in which the body of each job, `body` of a `spec`, is a string: the JSON text that it had. */
export function keepBodies(text: string): string {
  if (!text.includes('"body"')) return text;
  const open: string[] = []; // the names of the objects around the place, "" in an array
  let name = "";
  let out = "";
  let copied = 0;
  for (let i = 0; i < text.length; ) {
    const c = text[i];
    if (c !== '"') {
      if (c === "{" || c === "[") open.push(name);
      else if (c === "}" || c === "]") open.pop();
      if (c === "{" || c === "[" || c === "}" || c === "]" || c === ",") name = "";
      i++;
      continue;
    }
    const end = endOfString(text, i);
    const colon = afterSpace(text, end);
    if (text[colon] !== ":") {
      i = end;
      continue;
    }
    name = text.slice(i + 1, end - 1);
    i = afterSpace(text, colon + 1);
    if (name !== "body" || open.at(-1) !== "spec") continue;
    const to = endOfValue(text, i);
    out += text.slice(copied, i) + JSON.stringify(text.slice(i, to).trimEnd());
    copied = to;
    i = to;
  }
  return out + text.slice(copied);
}

/** Deeper than this a text is not indented: each of its lines would be mostly spaces. */
const deepest = 50;

/** A JSON text with its lines indented. What is no space stays as it is, to the byte. */
export function indented(text: string): string {
  const out: string[] = [];
  let depth = 0;
  const line = (): string => `\n${"  ".repeat(depth)}`;
  for (let i = 0; i < text.length; ) {
    const c = text[i] ?? "";
    if (c === '"') {
      const end = endOfString(text, i);
      out.push(text.slice(i, end));
      i = end;
      continue;
    }
    if (c === "{" || c === "[") {
      const next = afterSpace(text, i + 1);
      if (text[next] === "}" || text[next] === "]") {
        out.push(c, text[next] ?? "");
        i = next + 1;
        continue;
      }
      if (++depth > deepest) return text;
      out.push(c, line());
    } else if (c === "}" || c === "]") {
      depth = Math.max(0, depth - 1);
      out.push(line(), c);
    } else if (c === ",") out.push(c, line());
    else if (c === ":") out.push(": ");
    else if (!isSpace(c)) out.push(c);
    i++;
  }
  return out.join("");
}

/** Whether the JSON text of a body is that of a string, whose text alone is sent. */
export const isText = (body: string): boolean => body.startsWith('"');

/** What is sent for a body: the text of a string, other JSON as it is. */
export const sentBody = (body: string): string => (isText(body) ? (JSON.parse(body) as string) : body);
