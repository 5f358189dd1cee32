/** What `onbehalf doctor` asks providers without ID tokens. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkDocument, checkReachable } from "../../../src/service/doctor/check-provider.ts";
import { probeIssuer, probeTokenEndpoint } from "../../../src/service/doctor/probe.ts";
import { oauth2 } from "../../../src/index.ts";
import { startStandin } from "../../../src/standin/index.ts";
import { bentProvider } from "../../support/bent-provider.ts";

test("doctor asks the token endpoint that an issuer's document names", async (t) => {
  const standin = await startStandin({ kind: "oauth2" });
  t.after(() => standin.close());
  const { tokenEndpoint } = await probeIssuer(standin.url);
  assert.equal(tokenEndpoint, `${standin.url}/token`);
  const found = await probeTokenEndpoint(tokenEndpoint);
  assert.ok(found.status === 400 || found.status === 401, String(found.status));
  assert.equal(checkReachable("plain", found).status, "ok");
  assert.deepEqual(
    standin.log().entries.map(({ method, path }) => `${method} ${path}`),
    ["GET /.well-known/oauth-authorization-server", "POST /token"],
  );
});

test("doctor says so where an issuer's document names no token endpoint, where none is there, and where nobody answers", async (t) => {
  const w = await bentProvider(
    t,
    { discovery: () => ({ token_endpoint: undefined }) },
    {
      record: (url) =>
        oauth2({
          name: "plain",
          authorizationEndpoint: `${url}/authorize`,
          tokenEndpoint: `${url}/token`,
          clientId: "cid",
          identity: "none",
        }),
    },
  );
  const nothing = await probeIssuer(`${w.url}/tenant/`);
  assert.equal(nothing.tokenEndpoint, undefined);
  assert.equal(nothing.url, `${w.url}/tenant/.well-known/openid-configuration`);
  const { status, message } = checkDocument("plain", nothing);
  assert.deepEqual([status, message.startsWith("plain has no document that names a token endpoint")], ["fail", true]);

  const elsewhere = checkReachable("plain", await probeTokenEndpoint(`${w.url}/oauth/tokens`));
  assert.deepEqual([elsewhere.status, elsewhere.message.includes("(404)")], ["fail", true]);

  const gone = await probeIssuer("http://127.0.0.1:1");
  assert.equal(gone.failure, "ECONNREFUSED");
  assert.equal(checkDocument("plain", gone).status, "fail");
});
