import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../src/core/errors.ts";
import { google } from "../../src/providers/google.ts";
import { oidc } from "../../src/providers/oidc.ts";
import { loadClient } from "../../src/vault/open/registered-client.ts";

const least = { name: "id", issuer: "https://id.example", clientId: "app" };
const client = { clientId: "1-a.apps.googleusercontent.com", clientSecret: "GOCSPX-secret" };

interface Case {
  readonly call: () => unknown;
  readonly problems: readonly string[];
  readonly hint: RegExp;
}

const cases: Readonly<Record<string, Case>> = {
  "oidc(), a letter less": {
    call: () => oidc({ ...least, tokenHost: ["sts.example"] } as never),
    problems: ["tokenHost is no option of oidc()"],
    hint: /^write tokenHosts$/,
  },
  "oidc(), as JSON spells it": {
    call: () => oidc({ ...least, client_secret: "s3cret" } as never),
    problems: ["client_secret is no option of oidc()"],
    hint: /^write clientSecret$/,
  },
  "oidc(), what only a record has": {
    call: () => oidc({ ...least, revocationEndsSiblings: true } as never),
    problems: ["revocationEndsSiblings is no option of oidc()"],
    hint: /^use name, issuer, /,
  },
  "oidc(), several": {
    call: () => oidc({ ...least, rotatoin: "none", apihosts: [] } as never),
    problems: ["rotatoin is no option of oidc()", "apihosts is no option of oidc()"],
    hint: /^write rotation$/,
  },
  "google(), two letters mixed up": {
    call: () => google({ ...client, hostedDoamin: "example.com" } as never),
    problems: ["hostedDoamin is no option of google()"],
    hint: /^write hostedDomain$/,
  },
  "google(), an option of oidc()": {
    call: () => google({ ...client, rotation: "none" } as never),
    problems: ["rotation is no option of google()"],
    hint: /^use clientSecretFile, /,
  },
  "a record that was made of another one": {
    call: () => loadClient({ ...google(client), apiHost: ["api.example"] } as never),
    problems: ["provider google: apiHost is no member of a provider's record"],
    hint: /^write apiHosts$/,
  },
  "a record with an option of oidc() in it": {
    call: () => loadClient({ ...oidc(least), clientSecret: "s3cret", keepAlivedays: 0 } as never),
    problems: [
      "provider id: clientSecret is no member of a provider's record",
      "provider id: keepAlivedays is no member of a provider's record",
    ],
    hint: /^use name, issuer, client, /,
  },
};

describe("a member that no provider has", () => {
  for (const [where, { call, problems, hint }] of Object.entries(cases)) {
    test(`a member that nobody knows is refused by its name, and never ignored: ${where}`, () => {
      assert.throws(call, (error: unknown) => {
        assert.ok(isOnbehalfError(error, "configuration_invalid"), String(error));
        assert.deepEqual(error.details.problems, problems);
        assert.match(error.hint ?? "", hint);
        assert.doesNotMatch(JSON.stringify([error.message, error.details]), /s3cret|GOCSPX/);
        return true;
      });
    });
  }

  test("a member that is undefined is as one that is left out", () => {
    const given = { ...least, tokenHosts: undefined, whatever: undefined };
    assert.equal(loadClient(oidc(given as never)).clientId, "app");
  });

  test("oidc() takes the hosts and addresses that a token may not, or may, be sent to", () => {
    const record = oidc({ ...least, tokenHosts: ["sts.example.com"], privateApis: true });
    assert.deepEqual([record.tokenHosts, record.privateApis], [["sts.example.com"], true]);
    loadClient(record);
  });
});
