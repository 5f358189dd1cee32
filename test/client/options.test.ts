import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import { Secret, fixedClock, isOnbehalfError } from "../../src/index.ts";
import { openRemoteVault } from "../../src/client/index.ts";
import { testService } from "../support/test-service.ts";
import { fakedKey, remote } from "./remote.ts";

const url = "https://vault.example";

test("openRemoteVault refuses options that cannot work, all at once, and shows no key", async () => {
  for (const [given, about] of [
    [undefined, "must be given options"],
    [{}, "url must be given"],
    [{ url, key: fakedKey, uri: "x" }, "uri is no option"],
    [{ url: "vault.example", key: fakedKey }, "url must be an absolute URL"],
    [{ url: "ftp://vault.example", key: fakedKey }, "url must be an https URL"],
    [{ url: "http://vault.example", key: fakedKey }, "plain http to vault.example"],
    [{ url: "http://127.0.0.1.evil.example", key: fakedKey }, "plain http"],
    [{ url: "https://ada:pw@vault.example", key: fakedKey }, "no user name"],
    [{ url: "https://vault.example/?key=1", key: fakedKey }, "no query"],
    [{ url: '"https://vault.example"', key: fakedKey }, "stands in quotes"],
    [{ url }, "give either key or keyFile"],
    [{ url, key: fakedKey, keyFile: "key" }, "give either key or keyFile"],
    [{ url, key: "" }, "key is empty"],
    [{ url, key: `${fakedKey}\n` }, "ends with a line end"],
    [{ url, key: `"${fakedKey}"` }, "stands in quotes"],
    [{ url, key: "GOCSPX-standin-secret" }, "key is no caller key"],
    [{ url, key: new Secret(`obm_${"a".repeat(40)}`) }, "key is no caller key"],
    [{ url, key: 5 }, "key must be a text"],
    [{ url, key: fakedKey, timeoutSeconds: 0 }, "timeoutSeconds"],
    [{ url, key: fakedKey, waitSeconds: -1 }, "waitSeconds"],
    [{ url, key: fakedKey, waitSeconds: "45" }, "waitSeconds"],
    [{ url, key: fakedKey, maxAgeSeconds: Number.NaN }, "maxAgeSeconds"],
    [{ url, key: fakedKey, maxTokens: 0.5 }, "maxTokens"],
    [{ url, key: fakedKey, fetch: "x" }, "fetch must be"],
    [{ url, key: fakedKey, clock: {} }, "clock must be"],
    [{ url, key: fakedKey, allowHttp: "yes" }, "allowHttp"],
  ] as const) {
    await assert.rejects(openRemoteVault(given as never), (error) => {
      assert.ok(isOnbehalfError(error, "configuration_invalid"), inspect(given));
      assert.ok(error.message.includes(about), error.message);
      assert.doesNotMatch(inspect(error), /obk_0|GOCSPX|obm_a|:pw/);
      return true;
    });
  }
  await assert.rejects(openRemoteVault({ url: "x", key: "y", waitSeconds: -1 }), (error) => {
    assert.ok(isOnbehalfError(error, "configuration_invalid"));
    assert.equal(error.details.problems.length, 3);
    return true;
  });
  for (const given of [
    { url, key: fakedKey },
    { url: new URL(url), key: new Secret(fakedKey) },
    { url: "http://localhost:8787", key: () => fakedKey },
    { url: "http://[::1]:8787/vault/", key: fakedKey.replace("obk", "obs") },
    { url: "http://vault.internal", key: fakedKey, allowHttp: true, waitSeconds: 0, clock: fixedClock(0) },
  ]) {
    await (await openRemoteVault(given)).close();
  }
});

test("a remote vault asks beneath the path that its service is mounted at, and says who it is", async (t) => {
  const { vault, sent, newRequests } = await remote(
    t,
    { url: "https://app.example/vault//", key: fakedKey },
    { instead: () => Response.json({ grants: [] }) },
  );
  assert.deepEqual(await vault.grants(), { grants: [] });
  assert.deepEqual(newRequests(), ["GET /v1/grants"]);
  assert.match(String(sent[0]?.headers.get("user-agent")), /^onbehalf\/\S+ client$/);
});

test("what a user id holds cannot lead to another address or another grant", async (t) => {
  const { vault: near, url: real, key, fixture } = await testService(t);
  const { vault } = await remote(t, { url: real, key, clock: fixture.clock });
  const ids = ["a?account=b", "a#b", "a%2Fb", "a&provider=x", "a b", "ä☃", "a+b", "a/b", '"a"'];
  for (const externalId of ids) {
    const made = await near.exchangeCode({ code: fixture.code(`p${ids.indexOf(externalId)}@example.com`), externalId });
    assert.equal((await vault.grant({ externalId })).grantId, made.grantId, inspect(externalId));
    assert.equal((await vault.getAccessToken({ externalId })).grantId, made.grantId);
  }
  await assert.rejects(vault.grant({ externalId: "a\uD800" }), { code: "invalid_request" });
  for (const id of ["ext:a b", "g_1/token", "../v1/grants", "sub:1"]) {
    await assert.rejects(vault.grant(id), { code: "grant_not_found" });
    await assert.rejects(vault.getAccessToken(id), { code: "grant_not_found" });
  }
});
