import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import {
  askMe,
  closed,
  isOther,
  may,
  me,
  offered,
  needsAnother,
  providerRefusal,
  providerUrl,
  refusalText,
  signIn,
  ways,
  whyNot,
} from "../src/me.ts";
import type { Me } from "../src/types.gen.ts";

const real = globalThis.fetch;

afterEach(() => {
  globalThis.fetch = real;
  me.set(undefined);
  closed.set(undefined);
  ways.set(undefined);
});

function answer(status: number, body: unknown): { sent: RequestInit[] } {
  const sent: RequestInit[] = [];
  globalThis.fetch = async (_, init) => {
    sent.push(init ?? {});
    return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
  };
  return { sent };
}

const as = (role: Me["role"]): Me => ({
  kind: "session",
  role,
  expiresAt: null,
  keyless: false,
  signIn: { key: true },
});

test("what a role may do", () => {
  const can = (who: Me | null | undefined): string =>
    (["viewer", "editor", "admin"] as const).map((r) => +may(who, r)).join("");
  assert.equal(can(as("viewer")), "100");
  assert.equal(can(as("editor")), "110");
  assert.equal(can(as("admin")), "111");
  assert.equal(can(null), "000");
  assert.equal(can(undefined), "000");
});

test("who one is: known, to be asked for a key, or shut out", async () => {
  answer(200, as("editor"));
  await askMe();
  assert.equal(me.value?.role, "editor");
  answer(401, { title: "An API key is needed" });
  await askMe();
  assert.equal(me.value, null);
  answer(421, { title: "This server does not answer for that host" });
  await askMe();
  assert.match(closed.value?.message ?? "", /does not answer for that host/);
  assert.equal(me.value, null);
});

test("what was kept is not for somebody else", async () => {
  let anew = 0;
  const ask = async (who: Me): Promise<number> => {
    answer(200, who);
    await askMe(() => anew++);
    return anew;
  };
  const other: Me = { ...as("editor"), keyId: "other" };
  assert.equal(await ask({ ...as("editor"), expiresAt: 5 }), 0, "the same one, with a session that goes on");
  answer(401, {});
  await askMe(() => anew++);
  assert.equal(await ask(as("editor")), 0, "the same one is back");
  answer(401, {});
  await askMe(() => anew++);
  assert.equal(await ask(other), 1, "somebody else signed in, in another tab");
  assert.equal(me.value, null, "and sees nothing before the page is loaded anew");
  assert.equal(isOther(other, { ...other, namespaces: ["billing"] }), true);
  assert.equal(isOther(other, { ...other, role: "admin" }), true);
  assert.equal(isOther(other, { ...other, subject: "another person" }), true);
});

test("how one signs in is told with the refusal", async () => {
  const oidc = { name: "Example", url: "https://belfry.example.com/session/oidc" };
  answer(401, { title: "An API key is needed", signIn: { key: true, oidc } });
  await askMe();
  assert.deepEqual(ways.value?.oidc, oidc);
});

test("the way to a provider leads back to the page alone", () => {
  const url = "https://b.test/session/oidc";
  assert.equal(providerUrl(url, "/ui/jobs?text=a&b"), `${url}?to=%2Fui%2Fjobs%3Ftext%3Da%26b`);
  assert.equal(providerUrl(url, "/ui/jobs", true), `${url}?to=%2Fui%2Fjobs&again=true`);
  assert.equal(providerUrl(url, "/", true), `${url}?again=true`);
  assert.equal(providerUrl(url, "/"), url);
  assert.equal(providerUrl(url, `/ui/jobs?text=${"x".repeat(1000)}`), url);
});

test("why a provider did not let somebody in", () => {
  assert.equal(providerRefusal("?text=x"), undefined);
  assert.match(providerRefusal("?signInError=not-granted") ?? "", /nothing is granted to you/);
  assert.equal(needsAnother("?signInError=not-granted"), true);
  assert.equal(needsAnother("?signInError=busy"), false);
  assert.match(providerRefusal("?signInError=busy") ?? "", /in a moment/);
  assert.equal(providerRefusal("?signInError=%3Cb%3E"), "The sign-in was refused.");
});

test("a key is sent once, and is kept nowhere", async () => {
  const { sent } = answer(201, as("viewer"));
  await signIn("secret");
  assert.equal(sent[0]?.body, '{"key":"secret"}');
  assert.equal(sent[0]?.credentials, "same-origin");
  assert.equal(me.value, undefined, "nobody is signed in before the page is loaded anew");
});

test("refusals in words", () => {
  assert.equal(refusalText(401, undefined), "This key opens nothing here.");
  assert.match(refusalText(500, undefined), /500/);
});

test("why a view is not for somebody", () => {
  assert.equal(whyNot({ role: "editor" }, as("editor")), undefined);
  assert.equal(whyNot({ all: true }, as("viewer")), undefined);
  assert.match(whyNot({ role: "admin" }, as("editor")) ?? "", /role admin, and yours is editor/);
  assert.match(whyNot({ all: true }, { ...as("admin"), namespaces: ["billing"] }) ?? "", /all namespaces/);
});

test("which views somebody is offered", () => {
  const confined: Me = { ...as("editor"), namespaces: ["billing"] };
  assert.equal(offered({}, as("viewer")), true);
  assert.equal(offered({ role: "admin" }, as("editor")), false);
  assert.equal(offered({ role: "admin" }, as("admin")), true);
  assert.equal(offered({ all: true }, as("viewer")), true);
  assert.equal(offered({ all: true }, confined), false);
  assert.equal(offered({ role: "editor" }, confined), true);
  assert.equal(offered({}, null), false);
});
