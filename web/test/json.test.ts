import assert from "node:assert/strict";
import { test } from "node:test";
import { indented, keepBodies, sentBody } from "../src/json.ts";

const bodies = [
  "12345678901234567890",
  "1.0",
  "-0",
  "1e400",
  "null",
  "true",
  '"text"',
  '"a \\" quote, a \\\\ and \\u00e9 }"',
  "{}",
  "[]",
  '{"n":1.10,"body":{"body":2.0},"spec":{"body":3.0}}',
  '[1.0,[2.0,"]"],{"a":"}"}]',
  '{ "a" : 1.0 }',
];

test("the body of each job is the text that it had, and nothing else is touched", () => {
  for (const body of bodies) {
    for (const rest of ["", ',"tags":["body"]', ' , "name":"\\"spec\\":{\\"body\\":1.0}"']) {
      const job = `{"id":"x","body":1.50,"spec":{"api":"x","body":${body}${rest}}}`;
      const doc = JSON.parse(keepBodies(`{"jobs":[${job}, ${job}],"spec":{"body" : ${body} }}`)) as {
        jobs: { body: number; spec: Record<string, unknown> }[];
        spec: { body: unknown };
      };
      assert.deepEqual([doc.jobs[0]?.spec.body, doc.jobs[1]?.spec.body, doc.spec.body], [body, body, body]);
      assert.equal(doc.jobs[0]?.body, 1.5);
      const { body: _, ...others } = JSON.parse(`{"api":"x","body":0${rest}}`) as Record<string, unknown>;
      assert.deepEqual(doc.jobs[1]?.spec, { ...others, body });
    }
  }
});

test("a member of an array does not have the name of the one before it", () => {
  const text = '{"spec":[{"body":1.0}],"a":[{"spec":1},{"body":1.0}]}';
  assert.equal(keepBodies(text), text);
  assert.equal(keepBodies('{"a":"body"}'), '{"a":"body"}');
});

test("a text is indented as JSON.stringify does it, with each digit as it was", () => {
  const value = { a: [1, "x, y: {z}", { b: null, c: [] }], d: {}, e: '"\\' };
  assert.equal(indented(JSON.stringify(value)), JSON.stringify(value, null, 2));
  assert.equal(indented('{"n":1.0,"m":12345678901234567890}'), '{\n  "n": 1.0,\n  "m": 12345678901234567890\n}');
  assert.equal(indented("1.0"), "1.0");
  const deep = "[".repeat(1000) + "]".repeat(1000);
  assert.equal(indented(deep), deep);
});

test("of a string the text is sent", () => {
  assert.equal(sentBody('"a\\nb"'), "a\nb");
  assert.equal(sentBody('{"a":1.0}'), '{"a":1.0}');
});
