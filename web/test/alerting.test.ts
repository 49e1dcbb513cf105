import assert from "node:assert/strict";
import { test } from "node:test";
import {
  channelOf,
  conditions,
  conditionWords,
  inUnits,
  isEveryJob,
  lengthOf,
  matcherOf,
  ruleOf,
  settingOf,
  timingWords,
} from "../src/alerting.ts";
import type { Channel, ChannelField, Condition } from "../src/types.gen.ts";

function form(fields: Record<string, string | string[]>): FormData {
  const data = new FormData();
  for (const [name, values] of Object.entries(fields)) for (const v of [values].flat()) data.append(name, v);
  return data;
}

test("each condition is said in words, with its numbers and their units", () => {
  const words: [Condition, string][] = [
    [{ kind: "FAILURES" }, "the first final failure"],
    [{ kind: "FAILURES", count: 3 }, "3 final failures in a row"],
    [{ kind: "FAILED_OF_LAST", count: 3, of: 10 }, "3 of the last 10 executions failed"],
    [{ kind: "SUCCESS_RATE", percent: 95, windowMs: 600_000 }, "fewer than 95 % succeeded within 10 min"],
    [{ kind: "SUCCESS_RATE", percent: 95, count: 20 }, "fewer than 95 % succeeded within 1 h, of at least 20"],
    [{ kind: "DURATION", thresholdMs: 1500, count: 2 }, "2 executions within 1 h took longer than 1.5 s"],
    [{ kind: "DRIFT", thresholdMs: 250, windowMs: 60_000 }, "1 execution within 1 min started more than 250 ms late"],
    [{ kind: "MISSED" }, "1 fire missed within 1 h"],
    [{ kind: "SKIPPED", count: 5 }, "5 fires skipped within 1 h"],
    [{ kind: "LOST" }, "fires without a record"],
    [{ kind: "NOT_RUN", thresholdMs: 300_000 }, "not run for 5 min after it was due"],
    [{ kind: "SERVER", thresholdMs: 60_000 }, "a check of the servers fails for 1 min"],
    [{ kind: "UNDELIVERABLE" }, "messages to a channel are not delivered"],
  ];
  for (const [condition, text] of words) assert.equal(conditionWords(condition), text);
  assert.deepEqual(new Set(words.map(([c]) => c.kind)), new Set(Object.keys(conditions)));
});

test("how often people are told is said in words", () => {
  const often = { groupBy: "HOST", waitMs: 10_000, repeatMs: 14_400_000, recovery: true } as const;
  assert.equal(timingWords(often), "one message a host, after 10 s, again every 4 h, and when it is over");
  const seldom = { groupBy: "JOB", waitMs: 0, repeatMs: 0, recovery: false } as const;
  assert.equal(timingWords(seldom), "one message a job, at once, not repeated, not when it is over");
});

test("a length of time has the largest unit of which it is a whole number, and comes back as it was", () => {
  for (const [ms, n, unit] of [
    [0, 0, "s"],
    [1, 1, "ms"],
    [1500, 1500, "ms"],
    [90_000, 90, "s"],
    [60_000, 1, "min"],
    [14_400_000, 4, "h"],
    [86_400_000, 1, "d"],
    [90_000_000, 25, "h"],
  ] as const) {
    assert.deepEqual(inUnits(ms), { n, unit });
    assert.equal(lengthOf(form({ waitMs: String(n), "waitMs unit": unit }), "waitMs"), ms);
  }
  assert.equal(lengthOf(form({ w: "1.5", "w unit": "h" }), "w"), 5_400_000);
  assert.equal(lengthOf(form({ w: "1,5", "w unit": "min" }), "w"), 90_000);
  assert.equal(lengthOf(form({ w: " ", "w unit": "h" }), "w"), undefined);
  assert.equal(lengthOf(form({ w: "soon", "w unit": "h" }), "w"), "soon"); // the API says what is wrong
});

test("a form without a word about jobs is about all of them", () => {
  assert.equal(matcherOf(form({ "match.tag": " ", "match.host": "" })), undefined);
  assert.deepEqual(matcherOf(form({ "match.tag": "nightly ", "match.jobs": ["a", "b"] })), {
    tag: "nightly",
    jobs: ["a", "b"],
  });
  assert.equal(isEveryJob({}), true);
  assert.equal(isEveryJob({ jobs: ["a"] }), false);
});

test("a form makes a rule with the numbers of its condition, and no others", () => {
  const typed = {
    name: "payments fail often",
    "match.tag": "payments",
    "when.kind": "FAILED_OF_LAST",
    "when.count": "3",
    "when.of": "ten",
    "when.percent": "95", // of another condition
    channels: ["ops", "oncall"],
    level: "WARNING",
    groupBy: "JOB",
    waitMs: "1",
    "waitMs unit": "min",
    updateMs: "",
    "updateMs unit": "min",
    repeatMs: "0",
    "repeatMs unit": "h",
    disabled: "on",
  };
  assert.deepEqual(ruleOf(form(typed)), {
    name: "payments fail often",
    match: { tag: "payments" },
    when: { kind: "FAILED_OF_LAST", count: 3, of: "ten" },
    channels: ["ops", "oncall"],
    level: "WARNING",
    groupBy: "JOB",
    waitMs: 60_000,
    repeatMs: 0,
    recovery: false,
    disabled: true,
  });
  const lost = ruleOf(form({ "when.kind": "LOST", level: "INFO", groupBy: "HOST", recovery: "on" }));
  assert.deepEqual(lost.when, { kind: "LOST" });
  assert.equal(lost.recovery, true);
  assert.equal("match" in lost, false);
});

test("a form makes a channel, and keeps the secrets of which nothing is typed", () => {
  const url: ChannelField = { name: "url", help: "where", required: true, secret: true };
  const format: ChannelField = { name: "format", help: "how", required: false, secret: false };
  const is = { kind: "SLACK", secrets: { url: "********" }, signingSecrets: ["********"] } as unknown as Channel;
  const typed = {
    kind: "SLACK",
    default: "on",
    perMinute: "many",
    "field-url": " ",
    "field-format": "blocks ",
    title: "",
  };
  const made = channelOf(form(typed), [url, format], true, is);
  assert.deepEqual(made, {
    kind: "SLACK",
    default: true,
    disabled: false,
    options: { format: "blocks" },
    secrets: { url: "********" },
    signingSecrets: ["********"],
    templates: {},
    perMinute: "many", // the API says what is wrong
  });
  assert.deepEqual(channelOf(form({ ...typed, "field-url": "https://x" }), [url], false, is).secrets, {
    url: "https://x",
  });
  assert.deepEqual(channelOf(form({ ...typed, signingSecret: "new" }), [url], true, is).signingSecrets, ["new"]);
  const other = channelOf(form({ ...typed, kind: "WEBHOOK" }), [url], false, is); // a secret is of its kind
  assert.deepEqual([other.secrets, other.signingSecrets], [{}, []]);
});

test("a change of the trail names what of the alerts it is about", () => {
  assert.deepEqual(settingOf("WINDOW backup"), { what: "maintenance window", id: "backup", path: "/alerts/silences" });
  for (const other of ["", "RULE", "isActive", "PLUGIN x"]) assert.equal(settingOf(other), undefined);
});
