import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { permissions } from "../../../src/vault/http/callers.ts";
import { sharedStandin } from "../../support/test-vault.ts";
import type { SharedStandin } from "../../support/test-vault.ts";
import { assertProblem } from "../../support/problem.ts";
import { raw, rawRequest, testService } from "../../support/test-service.ts";
import type { TestService } from "../../support/test-service.ts";
import { nameOf, oauth, pathOf, routes, takesCode } from "./route-table.ts";
import type { TestContext } from "node:test";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

/** The service, and how to ask one of its routes as it wants to be asked. */
async function asked(t: TestContext): Promise<TestService & { ref: string }> {
  const service = await testService(t, { shared });
  const { grantId } = await service.grant();
  // Nothing that a test sends may be a fault of ours.
  t.after(() => assert.deepEqual(service.faults, []));
  return { ...service, ref: grantId };
}

const forms = { "content-type": "application/x-www-form-urlencoded", "x-requested-with": "XMLHttpRequest" };
const json = { "content-type": "application/json" };
// What does not exist without its permission has tests of its own (metrics.test.ts).
const guarded = routes.filter(({ permission, hidden }) => permission !== undefined && hidden !== true);
const readers = routes.filter(({ body }) => body !== undefined);
const refs = routes.filter(({ path }) => path.includes("{ref}"));

test("the table has every route that the service describes", async (t) => {
  const { url } = await asked(t);
  const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: Record<string, object> };
  const described = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations)
      .filter((name) => /^(?:get|post|delete)$/.test(name))
      .map((method) => `${method.toUpperCase()} ${path.replace("{host}/{path}", "{target}")}`),
  );
  const known = new Set(routes.map(nameOf));
  // The proxy takes every method, and the table two of them.
  const missing = described.filter((name) => !known.has(name) && !name.includes("/proxy/") && !oauth.includes(name));
  assert.deepEqual(missing, []);
  assert.ok(described.length >= 10, described.join("\n"));
  assert.ok(described.some((name) => name.includes("/proxy/{target}")));
});

for (const route of routes) {
  const { method, path } = route;
  describe(nameOf(route), () => {
    test("another method is refused, with those that exist", async (t) => {
      const { ask, ref } = await asked(t);
      const existing = routes.filter((other) => other.path === path).map((other) => other.method as string);
      if (path.includes("/proxy/")) return; // every method is the API's own
      for (const other of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
        if (existing.includes(other)) continue;
        const response = await ask(pathOf(route, ref), { method: other });
        assert.deepEqual((response.headers.get("allow") ?? "").split(", ").sort(), [...existing].sort(), other);
        await assertProblem(response, "method_not_allowed", other);
      }
    });

    if (method !== "GET") return;
    test("with a slash at the end is another address", async (t) => {
      const { ask, ref } = await asked(t);
      if (path.includes("/proxy/")) return; // belongs to the API's path
      await assertProblem(await ask(`${pathOf(route, ref)}/`), "not_found");
    });
  });
}

describe("whoever may not", () => {
  for (const route of guarded) {
    const { method, permission } = route;
    const init = method === "POST" ? { body: "code=4/0A", headers: forms } : {};

    test(`${nameOf(route)} refuses a caller without a key, with an unknown one or with another vault's`, async (t) => {
      const { ask, vault, ref, key, fixture } = await asked(t);
      const { key: revoked } = await vault.callers.create("revoked", { allow: permissions });
      const { key: expired } = await vault.callers.create("expired", {
        allow: permissions,
        expiresAt: new Date(fixture.clock.now() - 1),
      });
      await vault.callers.revoke("revoked");
      const [, id = "", secret = "", sum = ""] = key.split("_");
      const strange = [
        "",
        "Bearer",
        "Bearer ",
        key,
        `Basic ${Buffer.from(`${key}:`).toString("base64")}`,
        `Bearer ${key} ${key}`,
        `Bearer ${key.toUpperCase()}`,
        `Bearer obk_${id}_${"0".repeat(64)}_${sum}`,
        `Bearer obk_${"0".repeat(16)}_${secret}_${sum}`,
        `Bearer ${key.slice(0, -1)}`,
        `Bearer ya29.a-token-of-the-provider`,
        `Bearer ${"x".repeat(8_000)}`,
        `Bearer ${revoked.expose()}`,
        `Bearer ${expired.expose()}`,
      ];
      for (const authorization of strange) {
        const response = await ask(pathOf(route, ref), {
          method,
          ...init,
          headers: { ...init.headers, authorization },
        });
        await assertProblem(response, "unauthorized", authorization.slice(0, 40));
      }
    });

    test(`${nameOf(route)} refuses a caller with every permission but ${String(permission)}`, async (t) => {
      const { ask, keyFor, ref } = await asked(t);
      const key = await keyFor(...permissions.filter((other) => other !== permission));
      const response = await ask(pathOf(route, ref), {
        method,
        ...init,
        headers: { ...init.headers, authorization: `Bearer ${key}` },
      });
      const body = await assertProblem(response, "forbidden");
      assert.equal(body["permission"], permission);
    });
  }

  test("a caller that may not learns the same of a grant that is there and of one that is not", async (t) => {
    const { ask, keyFor, ref } = await asked(t);
    const authorization = `Bearer ${await keyFor("proxy")}`;
    for (const route of refs.filter(({ permission }) => permission !== "proxy")) {
      const { method } = route;
      const [there, not] = [ref, "g_not-there"].map((each) =>
        ask(pathOf(route, each), { method, headers: { authorization } }),
      );
      assert.equal(await (await there)?.text(), await (await not)?.text());
    }
  });
});

describe("a reference", () => {
  const unknown = ["g_unknown", "sub:unknown", "ext:unknown", "sub:%C3%A4", "ext:a%2Fb", "ext:%252e%252e", "ext:%27--"];
  const malformed = ["x", "g_", "g_a.b", "g_a~b", "g_a:b", "g_a@b", "g_%00", "sub:", "ext:", "%20", "sub", "%73%75%62"];
  const endless = [`ext:${"x".repeat(513)}`, `g_${"x".repeat(65)}`, `sub:${"%C3%A4".repeat(600)}`];
  for (const route of refs) {
    const { method, body } = route;
    const init = { method, ...(body === undefined ? {} : { body: new URLSearchParams(body) }) };
    test(`${nameOf(route)}: a reference that nobody has is not found`, async (t) => {
      const { ask } = await asked(t);
      for (const ref of unknown) await assertProblem(await ask(pathOf(route, ref), init), "grant_not_found", ref);
    });
    test(`${nameOf(route)}: a text that is no reference is refused`, async (t) => {
      const { ask, grant } = await asked(t);
      await ask(`/v1/grants/${(await grant()).grantId}/token`); // the key is known now: the short way is open
      for (const ref of [...malformed, ...endless]) {
        await assertProblem(await ask(pathOf(route, ref), init), "invalid_request", ref.slice(0, 40));
      }
    });
  }

  test("a reference that is badly encoded, or holds what no reference can, is refused", async (t) => {
    const { url, key } = await asked(t);
    for (const ref of ["sub:%", "sub:%zz", "sub:%E0%A4%A", "ext:%00", "ext:a%0Ab", "ext:%7F"]) {
      const headers = { authorization: `Bearer ${key}` };
      const { status, body } = await rawRequest(url, `/v1/grants/${ref}/token`, { headers });
      assert.ok([400, 404].includes(status), `${ref}: ${status} ${body}`);
    }
  });

  test("a reference to a provider that is not configured is refused", async (t) => {
    const { ask } = await asked(t);
    await assertProblem(await ask("/v1/grants/sub:1/token?provider=nobody"), "grant_not_found");
    await assertProblem(await ask("/v1/grants?subject=1&provider=nobody"), "invalid_request");
  });
});

describe("a query", () => {
  const wrong: readonly (readonly [string, string])[] = [
    ["/v1/grants?limit=0", "limit"],
    ["/v1/grants?limit=501", "limit"],
    ["/v1/grants?limit=ten", "limit"],
    ["/v1/grants?limit=1e2", "limit"],
    ["/v1/grants?limit=", "limit"],
    ["/v1/grants?limit=1&limit=2", "limit"],
    ["/v1/grants?state=alive", "state"],
    ["/v1/grants?state=", "state"],
    ["/v1/grants?cursor=x", "cursor"],
    ["/v1/grants?cursor=g_1&cursor=g_2", "cursor"],
    ["/v1/grants?external_id=1&external_id=2", "external_id"],
    ["/v1/grants/{ref}/token?min_ttl_seconds=-1", "min_ttl_seconds"],
    ["/v1/grants/{ref}/token?min_ttl_seconds=1.5", "min_ttl_seconds"],
    ["/v1/grants/{ref}/token?min_ttl_seconds=0x10", "min_ttl_seconds"],
    ["/v1/grants/{ref}/token?min_ttl_seconds=86401", "min_ttl_seconds"],
    ["/v1/grants/{ref}/token?min_ttl_seconds=99999999999999999999", "min_ttl_seconds"],
    ["/v1/grants/{ref}/token?min_ttl_seconds=%20", "min_ttl_seconds"],
    ["/v1/grants/{ref}/token?min_ttl_seconds=60&min_ttl_seconds=60", "min_ttl_seconds"],
    ["/v1/grants/{ref}?provider=google&provider=google", "provider"],
  ];
  for (const [path, parameter] of wrong) {
    test(`a query that is wrong is refused with the parameter's name: ${path}`, async (t) => {
      const { ask, ref } = await asked(t);
      const body = await assertProblem(await ask(path.replace("{ref}", ref)), "invalid_request");
      assert.equal(body["parameter"], parameter);
    });
  }
});

describe("a body", () => {
  type Sent = readonly [string, { headers?: Record<string, string>; body?: string | Uint8Array }, string, string?];
  const encoder = new TextEncoder();
  const sent: readonly Sent[] = [
    ["of no type", { headers: { "content-type": "" }, body: encoder.encode("a=b") }, "invalid_request"],
    ["of another type", { headers: { "content-type": "text/plain" }, body: "authCode=x" }, "invalid_request"],
    ["in parts", { headers: { "content-type": "multipart/form-data; boundary=x" }, body: "--x--" }, "invalid_request"],
    ["in XML", { headers: { "content-type": "application/xml" }, body: "<a/>" }, "invalid_request"],
    ["in JSON with another name", { headers: { "content-type": "application/json5" }, body: "{}" }, "invalid_request"],
    [
      "in another charset",
      { headers: { "content-type": "application/json; charset=utf-16" }, body: "{}" },
      "invalid_request",
    ],
    [
      "compressed",
      { headers: { ...forms, "content-encoding": "gzip" }, body: gzipSync("authCode=x") },
      "invalid_request",
    ],
    ["compressed twice", { headers: { ...forms, "content-encoding": "gzip, br" }, body: "x" }, "invalid_request"],
    ["that is not UTF-8", { body: Uint8Array.of(0x61, 0x3d, 0xff, 0xfe) }, "invalid_request"],
    ["that is empty", { body: "" }, "invalid_request", "authCode"],
    ["without a code", { body: "a=b" }, "invalid_request", "authCode"],
    ["with an empty code", { body: "authCode=" }, "invalid_request", "authCode"],
    ["with two codes", { body: "authCode=4/0A&authCode=4/0B" }, "invalid_request", "authCode"],
    ["with two codes that differ", { body: "authCode=4/0A&code=4/0B" }, "invalid_request", "authCode"],
    ["with a parameter twice", { body: "authCode=4/0A&nonce=1&nonce=1" }, "invalid_request", "nonce"],
    ["with a strange parameter twice", { body: "authCode=4/0A&%3Cscript%3E=1&%3Cscript%3E=1" }, "invalid_request"],
    [
      "as JSON with two codes",
      { headers: json, body: '{"authCode":"4/0A","authCode":"4/0B"}' },
      "invalid_request",
      "authCode",
    ],
    [
      "as JSON with two codes, one of them spelt otherwise",
      { headers: json, body: String.raw`{"authCode":"\"4/0A:","auth\u0043ode" :"4/0B"}` },
      "invalid_request",
      "authCode",
    ],
    ["with a NUL in the code", { body: "authCode=4/0A%00" }, "invalid_request", "authCode"],
    ["with a line break in the code", { body: "authCode=4/0A%0D%0Ax" }, "invalid_request", "authCode"],
    ["with bytes that are no text in the code", { body: "authCode=%FF%FE" }, "invalid_request", "authCode"],
    ["with a code without end", { body: `authCode=${"4".repeat(2_049)}` }, "invalid_request", "authCode"],
    ["with an unknown source", { body: "authCode=4/0A&source=windows" }, "invalid_request", "source"],
    ["with an empty source", { body: "authCode=4/0A&source=" }, "invalid_request", "source"],
    [
      "with a redirect_uri that does not fit",
      { body: "authCode=4/0A&source=android&redirect_uri=https://a.example" },
      "invalid_request",
      "redirect_uri",
    ],
    ["with a redirect_uri that is none", { body: "authCode=4/0A&redirect_uri=%20" }, "invalid_request", "redirect_uri"],
    ["with a short verifier", { body: "authCode=4/0A&code_verifier=x" }, "invalid_request", "code_verifier"],
    ["for an unknown provider", { body: "authCode=4/0A&provider=nobody" }, "invalid_request", "provider"],
    ["that is almost JSON", { headers: json, body: "{'a':1}" }, "invalid_request"],
    ["that breaks off", { headers: json, body: '{"authCode":"4/0A' }, "invalid_request"],
    ["that is a list", { headers: json, body: "[]" }, "invalid_request"],
    ["that is null", { headers: json, body: "null" }, "invalid_request"],
    ["with a number", { headers: json, body: '{"authCode":1}' }, "invalid_request", "authCode"],
    ["with an object", { headers: json, body: '{"nonce":{}}' }, "invalid_request", "nonce"],
    [
      "that would change the prototype",
      { headers: json, body: '{"__proto__":{"authCode":"4/0A"}}' },
      "invalid_request",
      "authCode",
    ],
    [
      "nested without end",
      { headers: json, body: '{"a":'.repeat(10_000) + "1" + "}".repeat(10_000) },
      "invalid_request",
      "authCode",
    ],
    [
      "nested without end in what is known",
      { headers: json, body: `{"authCode":"4/0A","nonce":${"[".repeat(20_000)}${"]".repeat(20_000)}}` },
      "invalid_request",
      "nonce",
    ],
    [
      "of two types",
      { headers: { "content-type": "application/json, application/x-www-form-urlencoded" }, body: "authCode=4/0A" },
      "invalid_request",
    ],
    ["in UTF-16", { headers: { "content-type": "application/json; charset=utf-16" }, body: "{}" }, "invalid_request"],
    [
      "in UTF-7",
      { headers: { "content-type": `${json["content-type"]};charset=utf-7` }, body: "{}" },
      "invalid_request",
    ],
    [
      "in an encoding that has escapes",
      { headers: { "content-type": "application/x-www-form-urlencoded; charset=iso-2022-jp" }, body: "authCode=4/0A" },
      "invalid_request",
    ],
    [
      "in two charsets",
      { headers: { "content-type": "application/json; charset=utf-8; charset=latin1" }, body: '{"authCode":"4/0A"}' },
      "invalid_request",
    ],
    [
      "with a byte that Latin-1 reads otherwise",
      {
        headers: { "content-type": "application/x-www-form-urlencoded; charset=ISO-8859-1" },
        body: Buffer.from("authCode=4/0A&nonce=\u00e4", "latin1"),
      },
      "invalid_request",
    ],
    [
      "as JSON with bytes that windows-1252 reads otherwise",
      {
        headers: { "content-type": "application/json; charset=windows-1252" },
        body: Buffer.from('{"authCode":"4/0A","nonce":"\u00e4"}'),
      },
      "invalid_request",
    ],
    ["with escapes that are no UTF-8", { body: "authCode=4/0A&nonce=J%E4ger" }, "invalid_request", "nonce"],
    [
      "as JSON with a known member of a wrong type beside a good one",
      { headers: json, body: '{"authCode":"4/0A","code":{}}' },
      "invalid_request",
      "code",
    ],
    [
      "with scopes that are numbers",
      { headers: json, body: '{"authCode":"4/0A","scope":[1]}' },
      "invalid_request",
      "scope",
    ],
    [
      "with scopes in an object",
      { headers: json, body: '{"authCode":"4/0A","scopes":{"a":1}}' },
      "invalid_request",
      "scopes",
    ],
    [
      "with two lists of scopes that differ",
      { headers: json, body: '{"authCode":"4/0A","scope":"a b","scopes":["a"]}' },
      "invalid_request",
      "scope",
    ],
    ["that is too large", { body: `authCode=${"x".repeat(65_536)}` }, "request_too_large"],
    ["that the provider does not know", { body: "authCode=4/0Anever-issued" }, "code_rejected"],
    ["encoded twice", { body: "authCode=4%25252F0Anever-issued" }, "code_rejected"],
  ];
  for (const route of readers) {
    // What is wrong with a code's parameters is right where there is no code.
    const wrong = sent.filter(([, , code, parameter]) => parameter === undefined && code !== "code_rejected");
    for (const [name, { headers, body }, code, parameter] of takesCode(route) ? sent : wrong) {
      test(`${nameOf(route)} refuses a body that is wrong: ${name}`, async (t) => {
        const { ask, ref, fixture } = await asked(t);
        fixture.newRequests();
        const response = await ask(pathOf(route, ref), {
          method: "POST",
          headers: { ...forms, ...headers },
          ...(body === undefined ? {} : { body }),
        });
        const problem = await assertProblem(response, code);
        assert.equal(problem["parameter"], parameter);
        if (code !== "code_rejected") assert.equal(fixture.newRequests().length, 0, "nothing was sent to the provider");
      });
    }

    test(`${nameOf(route)} refuses a body that is too large and does not say so beforehand`, async (t) => {
      const { url, key, ref } = await asked(t);
      const chunk = `2000\r\n${"x".repeat(0x2000)}\r\n`;
      const [answer] = await raw(
        url,
        [
          `POST ${pathOf(route, ref)} HTTP/1.1`,
          `host: ${new URL(url).host}`,
          `authorization: Bearer ${key}`,
          "connection: close",
          "x-requested-with: x",
          "content-type: application/x-www-form-urlencoded",
          "transfer-encoding: chunked",
          "",
          `${chunk.repeat(10)}0\r\n\r\n`,
        ].join("\r\n"),
      );
      assert.equal(answer?.status, 413, answer?.body ?? "no answer");
      assert.match(answer?.body ?? "", /"error":"request_too_large"/);
    });
  }
});

test("addresses that are none", async (t) => {
  const { ask, url } = await asked(t);
  for (const path of ["/v1", "/v1/", "/v1/grants/", "/v2/grants", "/V1/grants", "/v1/grants/g_1/tokens", "/a b"]) {
    await assertProblem(await ask(path), "not_found", path);
  }
  for (const target of [
    "*",
    "//evil.example/healthz",
    "/v1//grants",
    "/;/healthz",
    "/healthz;x",
    `/${"x".repeat(8_000)}`,
  ]) {
    const { status, body } = await rawRequest(url, target);
    assert.ok(status === 404 || status === 400, `${target.slice(0, 40)}: ${status} ${body}`);
  }
});
