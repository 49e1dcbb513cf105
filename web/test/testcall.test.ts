import assert from "node:assert/strict";
import { test } from "node:test";
import { partsOf, requestText, responseText } from "../src/testcall.ts";

const message = { headers: [], body: "", bodyEncoding: "text" as const, bodyBytes: 0, cut: false, withheld: false };

test("the parts of a call follow each other, and the rest is the answer's", () => {
  const parts = partsOf({ waitedMs: 10, connectMs: 30, firstByteMs: 50, totalMs: 100 });
  assert.deepEqual(
    parts.map((p) => [p.name, p.ms, p.left, p.width]),
    [
      ["Waited for its turn", 10, 0, 10],
      ["Connected", 30, 10, 30],
      ["Sent, until the answer began", 50, 40, 50],
      ["Rest of the answer", 10, 90, 10],
    ],
  );
});

test("a part that took next to nothing can be seen, and a call without an answer says so", () => {
  const parts = partsOf({ waitedMs: 0.001, connectMs: 1, totalMs: 1000 });
  assert.equal(parts[0]?.width, 1);
  assert.equal(parts.at(-1)?.name, "Nothing came");
  for (const p of partsOf({ waitedMs: 5, firstByteMs: 0.001, totalMs: 5 })) assert.ok(p.left + p.width <= 100);
});

test("a request is written as it goes out", () => {
  const headers = [
    { name: "Host", value: "a.test" },
    { name: "Authorization", value: "********" },
  ];
  assert.equal(
    requestText({ ...message, method: "POST", url: "https://a.test/x?y=1", headers, body: "hi", bodyBytes: 2 }),
    "POST /x?y=1\nHost: a.test\nAuthorization: ********\n\nhi",
  );
});

test("an answer says what of it is not shown", () => {
  const answer = { ...message, status: 200, protocol: "HTTP/2" };
  assert.equal(responseText(answer), "HTTP/2 200");
  assert.match(responseText({ ...answer, withheld: true, bodyBytes: 7 }), /7 bytes that may have secrets/);
  assert.match(responseText({ ...answer, bodyEncoding: "base64", body: "/w==", bodyBytes: 1 }), /base64\)\n\/w==$/);
  assert.match(responseText({ ...answer, body: "x", bodyBytes: 65536, cut: true }), /x\n\n\(cut after 65536 bytes\)$/);
});
