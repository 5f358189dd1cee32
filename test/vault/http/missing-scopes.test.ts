import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bentProvider } from "../../support/bent-provider.ts";
import type { BentOptions } from "../../support/bent-provider.ts";

const graph = { canonicalScopes: { "https://graph.microsoft.com/*": "*" } };

describe("missing_scopes in the answer to a sign-in", () => {
  const cases: readonly {
    readonly name: string;
    readonly asked: string;
    readonly answered: string;
    readonly withoutRefreshToken?: true;
    readonly provider?: BentOptions["provider"];
    readonly missing?: readonly string[];
  }[] = [
    { name: "not offline_access where a refresh token came", asked: "openid offline_access", answered: "openid" },
    {
      name: "offline_access where none came",
      asked: "openid offline_access",
      answered: "openid",
      withoutRefreshToken: true,
      missing: ["offline_access"],
    },
    { name: "not openid, which the ID token proves", asked: "openid files", answered: "files" },
    { name: "what was not granted", asked: "openid files mail", answered: "openid files", missing: ["mail"] },
    {
      name: "not what the provider answers under a shorter name",
      asked: "openid offline_access https://graph.microsoft.com/Mail.Read",
      answered: "Mail.Read openid",
      provider: graph,
    },
    {
      name: "such a scope where it was not granted",
      asked: "openid https://graph.microsoft.com/Mail.Read https://graph.microsoft.com/Mail.Send",
      answered: "openid Mail.Read",
      provider: graph,
      missing: ["Mail.Send"],
    },
  ];
  for (const { name, asked, answered, withoutRefreshToken, provider, missing } of cases) {
    test(`missing_scopes: ${name}`, async (t) => {
      const bend = {
        token: ({ refresh_token, ...answer }: Record<string, unknown>) => ({
          body: { ...answer, scope: answered, ...(withoutRefreshToken ? {} : { refresh_token }) },
        }),
      };
      const { vault } = await bentProvider(t, bend, provider === undefined ? {} : { provider });
      const form = { authCode: "c", source: "web-redirect", redirect_uri: "https://app.example/cb", scope: asked };
      const response = await vault.authCodeHandler()(
        new Request("https://app.example/authcode", {
          method: "POST",
          headers: { "x-requested-with": "test" },
          body: new URLSearchParams(form),
        }),
      );
      const body = (await response.json()) as Record<string, unknown>;
      assert.equal(response.status, 200, JSON.stringify(body));
      assert.deepEqual(body["missing_scopes"], missing);
    });
  }
});
