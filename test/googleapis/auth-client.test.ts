import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { auth as driveAuth, drive as driveClient } from "@googleapis/drive";
import type { drive_v3 } from "@googleapis/drive";
import { OAuth2Client } from "google-auth-library";
import { OAuth2Client as OAuth2Client10 } from "google-auth-library10";
import { OAuth2Client as OAuth2Client9 } from "google-auth-library9";
import { authClient } from "../../src/googleapis/index.ts";
import type { TokenVault } from "../../src/googleapis/index.ts";
import { OnbehalfError, fixedClock, isOnbehalfError } from "../../src/index.ts";
import type { Grant, Vault, VaultOptions } from "../../src/index.ts";
import { outcomes, testVault } from "../support/test-vault.ts";
import type { TestVault } from "../support/test-vault.ts";

/** What a test needs of a client of any version. */
interface AnyClient {
  readonly credentials: OAuth2Client["credentials"];
  on(event: "tokens", listener: (tokens: OAuth2Client["credentials"]) => void): unknown;
  request(options: { readonly url: string }): Promise<{ readonly status: number }>;
  getAccessToken(): Promise<{ readonly token?: string | null }>;
  refreshAccessToken(): Promise<{ readonly credentials: OAuth2Client["credentials"] }>;
  getRequestHeaders(): Promise<ConstructorParameters<typeof Headers>[0]>;
}

/** The same call with each version's own class: what it returns is of that class, for the compiler as well. */
const versions: Readonly<Record<string, (vault: TokenVault, grant: Grant) => AnyClient>> = {
  "11": (vault, grant): OAuth2Client => authClient(vault, grant, { OAuth2Client }),
  "10": (vault, grant): OAuth2Client10 => authClient(vault, grant, { OAuth2Client: OAuth2Client10 }),
  "9": (vault, grant): OAuth2Client9 => authClient(vault, grant, { OAuth2Client: OAuth2Client9 }),
};
const classes: Readonly<Record<string, abstract new (...args: never[]) => object>> = {
  "11": OAuth2Client,
  "10": OAuth2Client10,
  "9": OAuth2Client9,
};

interface Signed {
  readonly given: TestVault;
  readonly vault: Vault;
  readonly grant: Grant;
}

async function signedIn(t: TestContext, options: Partial<VaultOptions> = {}): Promise<Signed> {
  const given = await testVault(t);
  const vault = await given.open(options);
  const grant = await vault.exchangeCode({ code: given.code("ada@example.com"), source: "android" });
  given.newRequests();
  return { given, vault, grant };
}

const files = "/drive/v3/files/appfolder";
const refreshes = (given: TestVault): Record<string, number> => outcomes(given.newRequests());

function driveOf({ given }: Signed, auth: OAuth2Client): drive_v3.Drive {
  return driveClient({ version: "v3", auth, rootUrl: `${given.standin.url}/` });
}

for (const [version, clientOf] of Object.entries(versions)) {
  describe(`a client of google-auth-library ${version}`, () => {
    test(`google-auth-library ${version}: the client is one of the caller's class, and its headers carry the vault's token`, async (t) => {
      const { vault, grant } = await signedIn(t);
      const client = clientOf(vault, grant);
      assert.ok(client instanceof (classes[version] ?? Object));
      const { token } = await vault.getAccessToken(grant);
      const headers = new Headers(await client.getRequestHeaders());
      assert.equal(headers.get("authorization"), `Bearer ${token}`);
      assert.equal((await client.getAccessToken()).token, token);
      assert.equal(client.credentials.refresh_token, undefined);
    });

    test(`google-auth-library ${version}: twenty calls after an hour are one refresh, and a program that listens is told once`, async (t) => {
      const signed = await signedIn(t);
      const { given, vault, grant } = signed;
      const client = clientOf(vault, grant);
      const told: unknown[] = [];
      client.on("tokens", ({ access_token: token }) => told.push(token));
      given.clock.advance(3_700_000);
      const url = `${given.standin.url}${files}`;
      const answers = await Promise.all(Array.from({ length: 20 }, () => client.request({ url })));
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
      assert.deepEqual(refreshes(given), { refreshed: 1 });
      assert.deepEqual(told, [client.credentials.access_token]);
    });

    test(`google-auth-library ${version}: twenty calls that an API refuses are one refresh, and each is sent once more`, async (t) => {
      // The vault's clock stands still: the token has ended for the API, and lives for the vault.
      const { given, vault, grant } = await signedIn(t, { clock: fixedClock("2026-11-22T00:00:00Z") });
      const client = clientOf(vault, grant);
      given.standin.advance(3_700_000);
      const url = `${given.standin.url}${files}`;
      const answers = await Promise.all(Array.from({ length: 20 }, () => client.request({ url })));
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
      const { entries } = given.standin.log();
      assert.equal(entries.filter(({ path }) => path === files).length, 40);
      assert.deepEqual(refreshes(given), { refreshed: 1 });
    });

    test(`google-auth-library ${version}: an API that refuses every token gets its own answer through, and costs one refresh`, async (t) => {
      const { given, vault, grant } = await signedIn(t);
      const client = clientOf(vault, grant);
      given.standin.fault("GET", files, { status: 401, times: 100 });
      const url = `${given.standin.url}${files}`;
      for (let call = 0; call < 3; call += 1) {
        await assert.rejects(client.request({ url }), (error: { response?: { status?: number } }) => {
          return error.response?.status === 401;
        });
      }
      const { entries } = given.standin.log();
      assert.equal(entries.filter(({ path }) => path === files).length, 4, "only the first call is sent twice");
      assert.deepEqual(refreshes(given), { refreshed: 1 });
    });

    test(`google-auth-library ${version}: a revoked grant is invalid_grant where programs look for it, and OnbehalfError all the same`, async (t) => {
      const { given, vault, grant } = await signedIn(t);
      const client = clientOf(vault, grant);
      given.standin.revoke("ada@example.com");
      given.clock.advance(3_700_000);
      const url = `${given.standin.url}${files}`;
      for (const use of [() => client.request({ url }), () => client.getAccessToken()]) {
        await assert.rejects(use(), (error: Error & { response?: { status: number; data: object } }) => {
          assert.equal(error.message, "invalid_grant");
          assert.deepEqual(
            [error.response?.status, { ...error.response?.data, error_description: "" }],
            [400, { error: "invalid_grant", error_description: "" }],
          );
          assert.ok(isOnbehalfError(error, "reauthorization_required"));
          assert.equal(error.details.grantId, grant.grantId);
          assert.match((error.cause as Error).message, /consent/);
          return true;
        });
      }
      await vault.revoke(grant);
    });

    test(`google-auth-library ${version}: a refresh that a program asks for gives another token, and while the provider is away the one that lives`, async (t) => {
      const { given, vault, grant } = await signedIn(t);
      const client = clientOf(vault, grant);
      const first = (await client.getAccessToken()).token;
      const { credentials } = await client.refreshAccessToken();
      assert.notEqual(credentials.access_token, first);
      given.standin.fault("POST", "/token", { status: 503, times: 100 });
      given.clock.advance(40_000);
      assert.equal((await client.refreshAccessToken()).credentials.access_token, credentials.access_token);
    });
  });
}

describe("authClient", () => {
  test("@googleapis/drive works with a client of the vault: create, list, read and delete a file in the app folder", async (t) => {
    const signed = await signedIn(t);
    // The class as googleapis itself has it.
    const auth = authClient(signed.vault, signed.grant, { OAuth2Client: driveAuth.OAuth2 });
    const drive = driveOf(signed, auth);
    const rootUrl = `${signed.given.standin.url}/`;
    const made = await drive.files.create(
      { requestBody: { name: "a.json", parents: ["appDataFolder"] }, media: { mimeType: "text/plain", body: "hello" } },
      { rootUrl },
    );
    const listed = await drive.files.list({ spaces: "appDataFolder", fields: "files(id,name)" });
    assert.deepEqual(listed.data, { files: [{ id: made.data.id, name: "a.json" }] });
    const read = await drive.files.get({ fileId: made.data.id ?? "", alt: "media" });
    assert.equal(read.data, "hello");
    assert.equal((await drive.files.delete({ fileId: made.data.id ?? "" })).status, 204);
  });

  test("a revocation in the vault ends the client at once: the library's copy of the token is not used", async (t) => {
    const { given, vault, grant } = await signedIn(t);
    const auth = authClient(vault, grant, { OAuth2Client });
    await auth.getAccessToken();
    await vault.revoke(grant);
    const sent = given.standin.log().entries.length;
    await assert.rejects(auth.request({ url: `${given.standin.url}${files}` }), { message: "invalid_grant" });
    assert.equal(given.standin.log().entries.length, sent);
  });

  test("revokeCredentials ends the grant in the vault as well as at the provider", async (t) => {
    const { given, vault, grant } = await signedIn(t);
    const auth = authClient(vault, grant, { OAuth2Client });
    assert.deepEqual((await auth.revokeCredentials()).data, { success: true });
    assert.equal((await vault.grant(grant)).state, "revoked");
    assert.deepEqual(outcomes(given.newRequests("/revoke")), { revoked: 1 });
    const tokensOnly = authClient({ getAccessToken: (ref, options) => vault.getAccessToken(ref, options) }, grant, {
      OAuth2Client,
    });
    await assert.rejects(tokensOnly.revokeCredentials(), { code: "invalid_request" });
  });

  test("a request whose body is a stream is not sent twice", async (t) => {
    const { given, vault, grant } = await signedIn(t);
    const auth = authClient(vault, grant, { OAuth2Client });
    const url = `${given.standin.url}/upload/drive/v3/files?uploadType=media`;
    const parts = [
      { content: "{}", headers: new Headers() },
      { content: Readable.from(["x"]), headers: new Headers() },
    ];
    for (const body of [{ data: Readable.from(["x"]) }, { multipart: parts }]) {
      given.standin.fault("POST", "/upload/drive/v3/files", { status: 401 });
      await assert.rejects(
        auth.request({ method: "POST", url, ...body }),
        (error: { response?: { status?: number } }) => {
          return error.response?.status === 401;
        },
      );
    }
    given.standin.fault("POST", "/drive/v3/files", { status: 401 });
    const sent = await auth.request<{ kind: string }>({
      method: "POST",
      url: `${given.standin.url}/drive/v3/files`,
      data: { name: "a.txt", parents: ["appDataFolder"] },
    });
    assert.equal(sent.data.kind, "drive#file");
    assert.deepEqual(refreshes(given), { refreshed: 1 });
  });

  test("callbacks get what the library's own callbacks get", async (t) => {
    const { given, vault, grant } = await signedIn(t);
    const auth = authClient(vault, grant, { OAuth2Client });
    const token = await new Promise((resolve) => {
      auth.getAccessToken((_, given) => resolve(given));
    });
    assert.equal(token, (await vault.getAccessToken(grant)).token);
    const credentials = await new Promise<OAuth2Client["credentials"]>((resolve) => {
      auth.refreshAccessToken((_, given) => resolve(given ?? {}));
    });
    assert.equal(credentials.access_token, auth.credentials.access_token);
    const url = `${given.standin.url}${files}`;
    const answered = await new Promise((resolve) => {
      auth.request({ url }, (_, response) => resolve(response?.status));
    });
    assert.equal(answered, 200);
    const missing = await new Promise((resolve) => {
      auth.request({ url: `${url}nothing` }, (error, response) => resolve([error instanceof Error, response?.status]));
    });
    assert.deepEqual(missing, [true, 404]);
  });

  test("errors that are not about consent come as the vault has them", async (t) => {
    const { given, vault } = await signedIn(t);
    const auth = authClient(vault, { externalId: "nobody" }, { OAuth2Client });
    await assert.rejects(auth.request({ url: `${given.standin.url}${files}` }), { code: "grant_not_found" });
    const away: TokenVault = {
      getAccessToken: async () => {
        throw new OnbehalfError("provider_unavailable", "away", {
          hint: "later",
          details: { issuer: "https://accounts.google.com", retryAfterMs: 1 },
        });
      },
    };
    const waiting = authClient(away, "g_1", { OAuth2Client });
    await assert.rejects(waiting.request({ url: `${given.standin.url}${files}` }), { code: "provider_unavailable" });
  });

  for (const code of ["provider_unavailable", "service_unavailable"] as const) {
    test(`an API's 401 is the error where no other token can be had for now: ${code}`, async (t) => {
      const { given } = await signedIn(t);
      const vault: TokenVault = {
        getAccessToken: async (_, options) => {
          if (options?.refused === undefined) return { token: "dead" };
          const details = { issuer: "https://accounts.google.com", retryAfterMs: 1 };
          throw new OnbehalfError(code, "away", { hint: "later", details });
        },
      };
      const auth = authClient(vault, "g_1", { OAuth2Client });
      await assert.rejects(auth.request({ url: `${given.standin.url}${files}` }), { status: 401 });
    });
  }

  test("the constructor's options and how long a token must live are passed on, and a class of the caller's stays one", async (t) => {
    class OwnClient extends OAuth2Client {
      readonly kind = "own";
    }
    const asked: unknown[] = [];
    const vault: TokenVault = {
      getAccessToken: async (ref, options) => {
        asked.push([ref, options]);
        return { token: "at-1" };
      },
    };
    const clientOptions = { quotaProjectId: "p-1" };
    const auth = authClient(vault, { subject: "1" }, { OAuth2Client: OwnClient, clientOptions, minTtlSeconds: 600 });
    assert.equal(auth.kind, "own");
    const headers = await auth.getRequestHeaders();
    assert.deepEqual([headers.get("authorization"), headers.get("x-goog-user-project")], ["Bearer at-1", "p-1"]);
    assert.deepEqual(asked, [[{ subject: "1" }, { minTtlSeconds: 600 }]]);
    assert.equal(auth.credentials.expiry_date, undefined);
    const another = authClient(vault, "g_1", { OAuth2Client: OwnClient });
    assert.equal(another.constructor, auth.constructor);
    t.diagnostic("one subclass a class");
  });

  const vault: TokenVault = { getAccessToken: async () => ({ token: "at-1" }) };
  const options = { OAuth2Client };
  for (const [what, parameter, args] of [
    ["a vault that was not awaited", "vault", [Promise.resolve(vault), "g_1", options]],
    ["no grant", "ref", [vault, undefined, options]],
    ["an empty name of a grant", "ref", [vault, " ", options]],
    ["no class, as an older version took it", "OAuth2Client", [vault, "g_1"]],
    ["an instance in place of the class", "OAuth2Client", [vault, "g_1", { OAuth2Client: new OAuth2Client() }]],
    ["a class that is none of the library's", "OAuth2Client", [vault, "g_1", { OAuth2Client: Map }]],
    ["an option that nobody knows", "OAuth2client", [vault, "g_1", { ...options, OAuth2client: 1 }]],
    ["a time that is none", "minTtlSeconds", [vault, "g_1", { ...options, minTtlSeconds: "60" }]],
  ] as const) {
    test(`authClient refuses ${what} before anything is asked`, () => {
      assert.throws(
        () => Reflect.apply(authClient, undefined, args),
        (error) => isOnbehalfError(error, "invalid_request") && error.details.parameter === parameter,
      );
    });
  }
});
