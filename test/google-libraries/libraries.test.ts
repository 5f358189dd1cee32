import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { GoogleAuth, OAuth2Client } from "google-auth-library";
import { fixedClock } from "../../src/index.ts";
import type { MovableClock } from "../../src/index.ts";
import { adcFile } from "../../src/cli/grants/adc-file.ts";
import { checkout } from "../support/checkout-bin.ts";
import { needsProgram } from "../support/installed-programs.ts";
import type { Program } from "../support/installed-programs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testService } from "../support/test-service.ts";
import type { TestService } from "../support/test-service.ts";
import { outcomes } from "../support/test-vault.ts";
import { compiledGo, compiledJava, python, pythonProgram, started } from "./programs.ts";
import type { Given, Running } from "./programs.ts";

/** One of Google's libraries, with which a program calls Drive. */
interface Library {
  readonly name: string;
  readonly needs: readonly Program[];
  start(given: Given, t: TestContext): Promise<Running> | Running;
  /** How it tells a program that the person must consent again. */
  readonly invalidGrant: RegExp;
}

const drive = "/drive/v3/files/appfolder";

/** A library for Node, in this process. */
function inNode(request: (url: string) => Promise<{ readonly status: number }>, { api }: Given): Running {
  const once = async (): Promise<string> => {
    try {
      return String((await request(`${api}${drive}`)).status);
    } catch (error) {
      const { message, response } = error as Error & { readonly response?: { readonly status?: number } };
      return response?.status === 401 ? "401" : `${(error as Error).constructor.name}: ${message}`;
    }
  };
  return {
    call: (times) => Promise.all(Array.from({ length: times }, once)),
    end: () => Promise.resolve(),
  };
}

const libraries: readonly Library[] = [
  {
    name: "google-auth-library's OAuth2Client (Node), by its endpoints",
    needs: [],
    start(given) {
      const client = new OAuth2Client({
        clientId: given.client_id,
        clientSecret: given.client_secret,
        endpoints: { oauth2TokenUrl: given.token_url },
        forceRefreshOnFailure: true,
      });
      client.setCredentials({ refresh_token: given.handle });
      return inNode((url) => client.request({ url }), given);
    },
    invalidGrant: /^\w*Error: invalid_grant$/,
  },
  {
    name: "google-auth-library's GoogleAuth (Node), by a credentials file",
    needs: [],
    start(given, t) {
      process.env["GOOGLE_APPLICATION_CREDENTIALS"] = given.credentials;
      t.after(() => delete process.env["GOOGLE_APPLICATION_CREDENTIALS"]);
      const auth = new GoogleAuth({ clientOptions: { forceRefreshOnFailure: true } });
      return inNode((url) => auth.request({ url }), given);
    },
    invalidGrant: /invalid_grant: /,
  },
  {
    name: "google-auth (Python), by Credentials(token_uri=…)",
    needs: ["python3", "google-auth for Python"],
    start: (given) => started(python, ["-B", pythonProgram, "google-auth"], given, {}),
    invalidGrant: /^RefreshError: \('invalid_grant/,
  },
  {
    name: "oauth2client (Python), by token_uri",
    needs: ["python3", "google-auth for Python"],
    start: (given) => started(python, ["-B", pythonProgram, "oauth2client"], given, {}),
    invalidGrant: /^HttpAccessTokenRefreshError: invalid_grant/,
  },
  {
    name: "google-auth (Java), by setTokenServerUri",
    needs: ["java", "google-auth for Java"],
    async start(given, t) {
      const [command, ...args] = compiledJava(await temporaryFolder(t));
      return started(command, [...args, "google-auth"], given, {});
    },
    invalidGrant: /^HttpResponseException: .*"invalid_grant"/,
  },
  {
    name: "google-api-client (Java), by setTokenServerEncodedUrl",
    needs: ["java", "google-auth for Java"],
    async start(given, t) {
      const [command, ...args] = compiledJava(await temporaryFolder(t));
      return started(command, [...args, "google-api-client"], given, {});
    },
    invalidGrant: /^TokenResponseException: invalid_grant$/,
  },
  {
    name: "golang.org/x/oauth2, by Endpoint.TokenURL",
    needs: ["go"],
    async start(given, t) {
      return started(compiledGo(await temporaryFolder(t), join(checkout, "node_modules/.cache/go")), [], given, {});
    },
    invalidGrant: /^RetrieveError: .*"invalid_grant"/,
  },
];

/** A Python with Google's current library, for whoever has one: Debian's is too old for a credentials file. */
const currentPython = process.env["GOOGLE_AUTH_PYTHON"];
const withCurrentPython: readonly Library[] =
  currentPython === undefined
    ? []
    : [
        {
          name: "google-auth (Python), by a credentials file",
          needs: [],
          start: (given) => started(currentPython, ["-B", pythonProgram, "google-auth-adc"], given, {}),
          invalidGrant: /^OAuthError: .*invalid_grant/,
        },
      ];

interface Prepared {
  readonly service: TestService;
  readonly given: Given;
  /** The vault's; the stand-in has one of its own, so that a token may end at the API before the vault knows. */
  readonly clock: MovableClock;
}

/** A person has signed in, a caller has a handle of the grant, and the token that came with the sign-in has ended. */
async function prepared(t: TestContext): Promise<Prepared> {
  const clock = fixedClock("2026-11-22T00:00:00Z");
  const service = await testService(t, { vault: { clock } });
  const { vault, fixture } = service;
  const grant = await service.grant("ada@example.com");
  const { caller, key } = await vault.callers.create("reports", { allow: ["token"] });
  const { secret } = await vault.handles.create(
    { grantId: grant.grantId },
    { name: "nightly", forCaller: caller.name },
  );
  const tokenUrl = `${service.url}/oauth/token`;
  const credentials = join(await temporaryFolder(t), "adc.json");
  const file = adcFile({ tokenUrl, caller, key: key.expose(), handle: secret });
  await writeFile(credentials, JSON.stringify(file), { mode: 0o600 });
  clock.advance(3_700_000);
  fixture.standin.advance(3_700_000);
  fixture.newRequests();
  const given = {
    token_url: tokenUrl,
    client_id: caller.name,
    client_secret: key.expose(),
    handle: secret.expose(),
    api: fixture.standin.url,
    credentials,
  };
  return { service, given, clock };
}

for (const library of [...libraries, ...withCurrentPython]) {
  describe(library.name, { ...needsProgram(...library.needs), timeout: 120_000 }, () => {
    test(`${library.name}: twenty calls are one refresh, a 401 is one more, twenty of them are one, and a revoked grant is invalid_grant`, async (t) => {
      const { service, given, clock } = await prepared(t);
      const { standin, newRequests } = service.fixture;
      const twenty = Array.from({ length: 20 }, () => "200");
      const running = await library.start(given, t);
      t.after(() => running.end());
      assert.deepEqual(
        await running.call(20),
        Array.from({ length: 20 }, () => "200"),
      );
      assert.deepEqual(outcomes(newRequests()), { refreshed: 1 });

      clock.advance(60_000);
      standin.fault("GET", drive, { status: 401 });
      assert.deepEqual(await running.call(1), ["200"]);
      assert.deepEqual(outcomes(newRequests()), { refreshed: 1 });
      assert.deepEqual(await running.call(1), ["200"]);
      assert.deepEqual(outcomes(newRequests()), {});

      clock.advance(1_200_000);
      standin.advance(3_700_000);
      assert.deepEqual(await running.call(20), twenty);
      assert.deepEqual(outcomes(newRequests()), { refreshed: 1 });

      clock.advance(1_200_000);
      standin.revoke("ada@example.com");
      const [said = ""] = await running.call(1);
      assert.match(said, library.invalidGrant);
      assert.deepEqual(service.faults, []);
    });
  });
}
