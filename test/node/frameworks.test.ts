import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { WebHandler } from "../../src/node/index.ts";
import { eventually } from "../support/eventually.ts";
import { mounts } from "../support/node-frameworks.ts";
import { assertProblem, publicErrors } from "../support/problem.ts";
import { sharedStandin, testVault } from "../support/test-vault.ts";
import type { SharedStandin } from "../support/test-vault.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

/** Says what came. */
const echo: WebHandler = async (request, { mountPath }) =>
  Response.json({
    method: request.method,
    url: request.url,
    mountPath,
    type: request.headers.get("content-type"),
    length: request.headers.get("content-length"),
    body: await request.text(),
  });

interface Echoed {
  readonly method: string;
  readonly url: string;
  readonly mountPath: string;
  readonly type: string | null;
  readonly length: string | null;
  readonly body: string;
}

async function echoed(url: string, init?: RequestInit): Promise<Echoed> {
  const response = await fetch(url, init);
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as Echoed;
}

const form = "application/x-www-form-urlencoded";

for (const [framework, mount] of Object.entries(mounts)) {
  describe(`toNode in ${framework}`, () => {
    test(`in ${framework}, a person signs in by a form and by JSON, and a forged request is refused before its code is used`, async (t) => {
      const fixture = await testVault(t, { shared });
      const vault = await fixture.open();
      const url = `${await mount(t, vault.authCodeHandler(), "/authcode")}/authcode`;
      const authCode = fixture.code("ada@example.com");
      await assertProblem(
        await fetch(url, { method: "POST", body: new URLSearchParams({ authCode }) }),
        "csrf_rejected",
        "",
        publicErrors,
      );
      const headers = { "x-requested-with": "XMLHttpRequest" };
      const byForm = await fetch(url, { method: "POST", headers, body: new URLSearchParams({ authCode }) });
      assert.equal(byForm.status, 200, await byForm.clone().text());
      assert.equal(((await byForm.json()) as { email: string }).email, "ada@example.com");
      const byJson = await fetch(url, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json; charset=utf-8" },
        body: JSON.stringify({ authCode: fixture.code("bo@example.com"), expires_in: 3599, user: { id: 1 } }),
      });
      assert.equal(byJson.status, 200, await byJson.clone().text());
      const { email, sign_in_assertion: assertion } = (await byJson.json()) as Record<string, string>;
      assert.equal(email, "bo@example.com");
      const { iss } = JSON.parse(Buffer.from(assertion?.split(".")[1] ?? "", "base64url").toString()) as {
        iss: string;
      };
      assert.equal(iss, new URL(url).origin);
    });

    test(`in ${framework}, the handler sees method, whole URL and body, and a GET has none`, async (t) => {
      const url = await mount(t, echo, "/deep/er");
      const posted = await echoed(`${url}/deep/er?a=1&b=%2F`, {
        method: "POST",
        headers: { "content-type": form },
        body: "a=%C3%A4+b&c=",
      });
      assert.equal(posted.url, `${url}/deep/er?a=1&b=%2F`);
      assert.equal(posted.method, "POST");
      assert.deepEqual(Array.from(new URLSearchParams(posted.body)), [
        ["a", "ä b"],
        ["c", ""],
      ]);
      assert.equal(posted.type?.split(";")[0], form);
      const got = await echoed(`${url}/deep/er`);
      assert.deepEqual([got.method, got.body], ["GET", ""]);
      const without = await echoed(`${url}/deep/er`, { method: "POST", headers: { "content-type": form } });
      assert.equal(without.body, "");
    });

    test(`in ${framework}, several cookies, an empty answer and a HEAD come out as they went in`, async (t) => {
      const url = await mount(
        t,
        async ({ method }) => {
          const headers = new Headers([
            ["set-cookie", "a=1; Path=/"],
            ["set-cookie", "b=2; Expires=Thu, 01 Jan 2026 00:00:00 GMT"],
            ["x-method", method],
          ]);
          return method === "POST" ? new Response(null, { status: 204, headers }) : new Response("hello", { headers });
        },
        "/",
      );
      const empty = await fetch(url, { method: "POST" });
      assert.equal(empty.status, 204);
      assert.deepEqual(empty.headers.getSetCookie(), ["a=1; Path=/", "b=2; Expires=Thu, 01 Jan 2026 00:00:00 GMT"]);
      const head = await fetch(url, { method: "HEAD" });
      assert.deepEqual([head.status, head.headers.get("x-method"), await head.text()], [200, "HEAD", ""]);
      assert.equal(await (await fetch(url)).text(), "hello");
    });

    test(`in ${framework}, an answer is streamed, and the signal tells the handler when the client goes away`, async (t) => {
      let aborted = false;
      const url = await mount(
        t,
        async ({ signal }) => {
          signal.addEventListener("abort", () => (aborted = true));
          const body = new ReadableStream({
            start: (controller) => controller.enqueue(new TextEncoder().encode("first\n")),
          });
          return new Response(body, { headers: { "content-type": "text/event-stream" } });
        },
        "/",
      );
      const leave = new AbortController();
      const response = await fetch(url, { signal: leave.signal });
      const { value } = (await response.body?.getReader().read()) ?? {};
      assert.equal(Buffer.from(value ?? []).toString(), "first\n");
      assert.equal(aborted, false);
      leave.abort();
      await eventually(() => aborted, Boolean);
    });

    test(`in ${framework}, an answer that breaks off does not look complete, and tells nothing of the error`, async (t) => {
      t.mock.method(process, "emitWarning", () => undefined);
      const url = await mount(
        t,
        async () => {
          let count = 0;
          const body = new ReadableStream({
            pull(controller) {
              if (count++ === 0) controller.enqueue(new TextEncoder().encode("half"));
              else controller.error(new Error("a secret"));
            },
          });
          return new Response(body, { headers: { "content-type": "text/plain" } });
        },
        "/",
      );
      const text = await fetch(url)
        .then((response) => response.text())
        .catch(() => "cut");
      assert.equal(text, "cut");
    });
  });
}
