import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { OAuth2Client } from "google-auth-library";
import { openRemoteVault } from "../../src/client/index.ts";
import { authClient } from "../../src/googleapis/index.ts";
import { fixedClock, isOnbehalfError } from "../../src/index.ts";
import { testService } from "../support/test-service.ts";
import type { TestService } from "../support/test-service.ts";
import { outcomes } from "../support/test-vault.ts";

interface Remote {
  readonly service: TestService;
  readonly auth: OAuth2Client;
  /** Drive's app folder. */
  readonly url: string;
}

/** A client of Google's library over a vault that a service keeps. */
async function remote(t: TestContext, options: Parameters<typeof testService>[1] = {}): Promise<Remote> {
  const service = await testService(t, options);
  const { grantId } = await service.grant("ada@example.com");
  const key = await service.keyFor("token", "grants:revoke");
  const vault = await openRemoteVault({ url: service.url, key });
  t.after(() => vault.close());
  service.fixture.newRequests();
  const url = `${service.fixture.standin.url}/drive/v3/files/appfolder`;
  return { service, auth: authClient(vault, grantId, { OAuth2Client }), url };
}

describe("authClient over a remote vault", () => {
  test("authClient over a remote vault: twenty calls with a token that an API refuses are one refresh at the service", async (t) => {
    // The vault's clock stands still: the token has ended for the API, and lives for the vault.
    const clock = fixedClock("2026-11-22T00:00:00Z");
    const { service, auth, url } = await remote(t, { vault: { clock } });
    await auth.request({ url });
    service.fixture.standin.advance(3_700_000);
    const answers = await Promise.all(Array.from({ length: 20 }, () => auth.request({ url })));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.deepEqual(outcomes(service.fixture.newRequests()), { refreshed: 1 });
  });

  test("authClient over a remote vault: a person who removed the app is invalid_grant, as in Google's library", async (t) => {
    const { service, auth, url } = await remote(t);
    service.fixture.standin.revoke("ada@example.com");
    await assert.rejects(auth.request({ url }), (error: Error & { response?: { data: { error: string } } }) => {
      assert.deepEqual([error.message, error.response?.data.error], ["invalid_grant", "invalid_grant"]);
      return isOnbehalfError(error, "reauthorization_required");
    });
  });

  test("authClient over a remote vault: revokeCredentials ends the grant at the service and at the provider", async (t) => {
    const { service, auth, url } = await remote(t);
    await auth.revokeCredentials();
    assert.deepEqual(outcomes(service.fixture.newRequests("/revoke")), { revoked: 1 });
    await assert.rejects(auth.request({ url }), { message: "invalid_grant" });
  });
});
