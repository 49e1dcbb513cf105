// What is configured about alerts, in words, and as forms have it: rules, and which jobs they are about.
import { duration, plural } from "./format.ts";
import type {
  AlertRule,
  AlertRuleRequest,
  Channel,
  ChannelField,
  Condition,
  Matcher,
  NewChannel,
} from "./types.gen.ts";

type Kind = AlertRule["when"]["kind"];
export type Level = AlertRule["level"];

/** A number of a condition. One in milliseconds has a unit beside it. */
interface ConditionField {
  name: "count" | "of" | "percent" | "thresholdMs" | "windowMs";
  label: string;
  /** What the form begins with. */
  start: number;
}

const count: ConditionField = { name: "count", label: "How many it takes", start: 1 };
const window: ConditionField = { name: "windowMs", label: "Within the last", start: 3_600_000 };
const longer = (label: string): ConditionField => ({ name: "thresholdMs", label, start: 5000 });

/** The conditions of rules: what they are called in the form, and the numbers that each has. */
export const conditions: Record<Kind, { label: string; fields: ConditionField[] }> = {
  FAILURES: { label: "Executions in a row have failed for good", fields: [count] },
  FAILED_OF_LAST: {
    label: "Some of the last executions have failed",
    fields: [
      { ...count, start: 3 },
      { name: "of", label: "Of how many of the last ones", start: 10 },
    ],
  },
  SUCCESS_RATE: {
    label: "Too few executions have succeeded",
    fields: [
      { name: "percent", label: "Fewer than so many percent", start: 95 },
      { ...count, label: "Of at least so many executions" },
      window,
    ],
  },
  DURATION: { label: "Executions have taken long", fields: [longer("Longer than"), count, window] },
  DRIFT: { label: "Executions were started late", fields: [longer("Later than"), count, window] },
  MISSED: { label: "Fires were dropped by the misfire policy", fields: [count, window] },
  SKIPPED: { label: "Fires were dropped by the overlap policy, or had no room", fields: [count, window] },
  LOST: { label: "An audit has found fires without a record", fields: [] },
  NOT_RUN: { label: "A job has not run for long", fields: [{ ...longer("Longer than it was due"), start: 300_000 }] },
  SERVER: { label: "A check of the servers fails", fields: [{ ...longer("For longer than"), start: 60_000 }] },
  UNDELIVERABLE: { label: "Messages to a channel are not delivered", fields: [] },
};

/** What holds for the jobs of a group, in words. */
export const conditionNames: Record<Kind, string> = {
  FAILURES: "final failures",
  FAILED_OF_LAST: "failures among the last executions",
  SUCCESS_RATE: "too few successes",
  DURATION: "long executions",
  DRIFT: "late executions",
  MISSED: "missed fires",
  SKIPPED: "skipped fires",
  LOST: "fires without a record",
  NOT_RUN: "no run for long",
  SERVER: "faults of servers",
  UNDELIVERABLE: "messages that are not delivered",
};

/** When people are told, in words. */
export function conditionWords(c: Condition): string {
  const n = c.count ?? 1;
  const within = `within ${duration(c.windowMs ?? window.start)}`;
  switch (c.kind) {
    case "FAILURES":
      return n === 1 ? "the first final failure" : `${plural(n, "final failure")} in a row`;
    case "FAILED_OF_LAST":
      return `${n} of the last ${plural(c.of ?? 0, "execution")} failed`;
    case "SUCCESS_RATE": {
      const least = n > 1 ? `, of at least ${n}` : "";
      return `fewer than ${c.percent} % succeeded ${within}${least}`;
    }
    case "DURATION":
      return `${plural(n, "execution")} ${within} took longer than ${duration(c.thresholdMs ?? 0)}`;
    case "DRIFT":
      return `${plural(n, "execution")} ${within} started more than ${duration(c.thresholdMs ?? 0)} late`;
    case "MISSED":
      return `${plural(n, "fire")} missed ${within}`;
    case "SKIPPED":
      return `${plural(n, "fire")} skipped ${within}`;
    case "LOST":
      return "fires without a record";
    case "NOT_RUN":
      return `not run for ${duration(c.thresholdMs ?? 0)} after it was due`;
    case "SERVER":
      return `a check of the servers fails for ${duration(c.thresholdMs ?? 0)}`;
    case "UNDELIVERABLE":
      return "messages to a channel are not delivered";
  }
}

const grouped: Record<AlertRule["groupBy"], string> = {
  HOST: "one message a host",
  NAMESPACE: "one message a namespace",
  JOB: "one message a job",
};

/** How often people are told by a rule, in words. */
export function timingWords(r: Pick<AlertRule, "groupBy" | "waitMs" | "repeatMs" | "recovery">): string {
  const words = [
    grouped[r.groupBy],
    r.waitMs > 0 ? `after ${duration(r.waitMs)}` : "at once",
    r.repeatMs > 0 ? `again every ${duration(r.repeatMs)}` : "not repeated",
    r.recovery ? "and when it is over" : "not when it is over",
  ];
  return words.join(", ");
}

/** The units in which a form takes a length of time, in milliseconds. */
export const units = [
  ["ms", 1],
  ["s", 1000],
  ["min", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
] as const;

/** A length of time in the largest unit of which it is a whole number. */
export function inUnits(ms: number): { n: number; unit: string } {
  let best: { n: number; unit: string } = { n: ms, unit: ms === 0 ? "s" : "ms" };
  for (const [unit, size] of units) if (ms > 0 && ms % size === 0) best = { n: ms / size, unit };
  return best;
}

/** The text of a form; undefined: nothing is typed. */
export function textOf(data: FormData, name: string): string | undefined {
  return String(data.get(name) ?? "").trim() || undefined;
}

const asTyped = (text: string | undefined): number | undefined => text as unknown as number | undefined;

/** A whole number of a form. What is none goes to the API as it is, which says what is wrong with it. */
function numberOf(data: FormData, name: string): number | undefined {
  const text = textOf(data, name);
  return text === undefined || !/^-?\d{1,15}$/.test(text) ? asTyped(text) : Number(text);
}

/** A length of time of a form in milliseconds, of its number and its unit. What is no number goes to the API as it is. */
export function lengthOf(data: FormData, name: string): number | undefined {
  const text = textOf(data, name);
  if (text === undefined || !/^-?\d{1,12}([.,]\d{1,6})?$/.test(text)) return asTyped(text);
  const size = units.find(([unit]) => unit === data.get(`${name} unit`))?.[1] ?? 1;
  return Math.round(Number(text.replace(",", ".")) * size);
}

/** Which jobs a form is about; undefined: all. */
export function matcherOf(data: FormData): Matcher | undefined {
  const m: Matcher = {};
  for (const name of ["namespace", "tag", "host"] as const) {
    const text = textOf(data, `match.${name}`);
    if (text) m[name] = text;
  }
  const jobs = data.getAll("match.jobs").map(String);
  if (jobs.length) m.jobs = jobs;
  return Object.keys(m).length ? m : undefined;
}

/** Whether a matcher selects every job. */
export const isEveryJob = (m: Matcher): boolean => !m.namespace && !m.tag && !m.host && !m.jobs?.length;

/** The rule that a form says. */
export function ruleOf(data: FormData): AlertRuleRequest {
  const kind = data.get("when.kind") as Kind;
  const when: Condition = { kind };
  for (const { name } of conditions[kind].fields) {
    const value = (name.endsWith("Ms") ? lengthOf : numberOf)(data, `when.${name}`);
    if (value !== undefined) when[name] = value;
  }
  const r: AlertRuleRequest = {
    when,
    channels: data.getAll("channels").map(String),
    level: data.get("level") as Level,
    groupBy: data.get("groupBy") as AlertRule["groupBy"],
    recovery: data.has("recovery"),
    disabled: data.has("disabled"),
  };
  const name = textOf(data, "name");
  if (name) r.name = name;
  const match = matcherOf(data);
  if (match) r.match = match;
  for (const field of ["waitMs", "updateMs", "repeatMs"] as const) {
    const value = lengthOf(data, field);
    if (value !== undefined) r[field] = value;
  }
  return r;
}

/** What the API shows in the place of a secret, and takes for the secret that it has. */
const mask = "********";

/** The channel that a form says. fields: those of its kind. A secret of which nothing is typed stays as it is. */
export function channelOf(
  data: FormData,
  fields: ChannelField[],
  signed: boolean,
  is: Channel | undefined,
): NewChannel {
  const kind = String(data.get("kind") ?? "");
  const secret = textOf(data, "signingSecret");
  const options: Record<string, string> = {};
  const secrets: Record<string, string> = {};
  for (const f of fields) {
    const kept = f.secret && is?.kind === kind && is.secrets[f.name] ? mask : undefined;
    const value = textOf(data, `field-${f.name}`) ?? kept;
    if (value) (f.secret ? secrets : options)[f.name] = value;
  }
  const c: NewChannel = {
    kind: kind as NewChannel["kind"],
    default: data.has("default"),
    disabled: data.has("disabled"),
    options,
    secrets,
    signingSecrets: secret ? [secret] : signed ? (is?.signingSecrets ?? []) : [],
    templates: {},
  };
  const namespace = textOf(data, "namespace");
  if (namespace) c.namespace = namespace;
  const perMinute = numberOf(data, "perMinute");
  if (perMinute !== undefined) c.perMinute = perMinute;
  for (const name of ["title", "text"] as const) {
    const text = textOf(data, name);
    if (text) c.templates = { ...c.templates, [name]: text };
  }
  return c;
}

const settings: Record<string, [what: string, view: string]> = {
  CHANNEL: ["channel", "channels"],
  RULE: ["rule", "rules"],
  SILENCE: ["silence", "silences"],
  WINDOW: ["maintenance window", "silences"],
};

/** What a change of the trail is about, by its detail: "RULE payments"; undefined: nothing of alerts. */
export function settingOf(detail: string): { what: string; id: string; path: string } | undefined {
  const [kind = "", id] = detail.split(" ");
  const setting = settings[kind];
  return setting && id ? { what: setting[0], id, path: `/alerts/${setting[1]}` } : undefined;
}
