import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../../../src/index.ts";
import { bentProvider } from "../../../support/bent-provider.ts";
import { testVault } from "../../../support/test-vault.ts";

/** Ways to write a code again that a lenient reader would take for the same one. */
const respellings: Readonly<Record<string, (code: string) => string>> = {
  "a space before": (code) => ` ${code}`,
  "a space behind": (code) => `${code} `,
  "a space inside": (code) => `${code.slice(0, 6)} ${code.slice(6)}`,
  "a tab behind": (code) => `${code}\t`,
  "a line end behind": (code) => `${code}\r\n`,
  "a no-break space behind": (code) => `${code}\u00a0`,
  "a zero-width space inside": (code) => `${code.slice(0, 6)}\u200b${code.slice(6)}`,
  "a byte order mark before": (code) => `\ufeff${code}`,
  "a null behind": (code) => `${code}\0`,
  "an encoded space behind": (code) => `${code}%20`,
  "an encoded null behind": (code) => `${code}%00`,
  "an encoded line end before": (code) => `%0A${code}`,
  "a plus behind": (code) => `${code}+`,
  "its first letter encoded": (code) => `%${code.charCodeAt(0).toString(16)}${code.slice(1)}`,
  "all of it encoded": (code) => code.replaceAll(/[^]/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  "all of it encoded twice": (code) => encodeURIComponent(encodeURIComponent(code)),
  "full-width digits": (code) => code.replaceAll(/\d/g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0)),
  "other capitals": (code) => code.toLowerCase(),
  "a combining mark behind": (code) => `${code}\u0301`,
  "padding behind": (code) => `${code}==`,
};

const refused = (error: unknown): boolean =>
  isOnbehalfError(error) && ["invalid_request", "code_rejected"].includes(error.code);

describe("a code that was used", () => {
  test("a used code works in no other spelling, and none of them ends what it brought", async (t) => {
    const { open, code, clock, newRequests } = await testVault(t);
    const vault = await open();
    const used = code("ada@example.com");
    const grant = await vault.exchangeCode({ code: used });
    // Within this time, the same code and nothing else gives the same result again.
    clock.advance(61_000);
    newRequests();
    for (const [name, respell] of Object.entries(respellings)) {
      await assert.rejects(vault.exchangeCode({ code: respell(used) }), refused, name);
    }
    assert.deepEqual(
      newRequests().filter(({ outcome }) => outcome === "exchanged"),
      [],
    );
    await vault.getAccessToken(grant.grantId);
  });

  test("a used code in another spelling, within its minute, is either the same code or is refused", async (t) => {
    const bent = await bentProvider(t);
    const used = "ada/0A-1_x~y.z";
    const { grantId } = await bent.connect(used);
    for (const [name, respell] of Object.entries(respellings)) {
      // This provider takes every code that it has not seen: whatever reaches it would be a second exchange.
      if (["a plus behind", "other capitals", "padding behind", "all of it encoded twice"].includes(name)) continue;
      const sent = bent.count("/token");
      const [outcome] = await Promise.allSettled([bent.connect(respell(used))]);
      if (outcome.status === "fulfilled") assert.equal(outcome.value.grantId, grantId, name);
      else assert.ok(refused(outcome.reason), name);
      assert.equal(bent.count("/token"), sent, name);
    }
  });

  test("a code is exchanged as it was sent: no letter of it is mended", async (t) => {
    const bent = await bentProvider(t);
    for (const code of ["ada/+1+", "ada/==", "ada/AbC", "ada/0~.-_"]) {
      await bent.connect(code);
      assert.equal(bent.requests.findLast(({ path }) => path === "/token")?.form["code"], code);
    }
  });
});

/** Answers of a token endpoint that are errors and carry tokens all the same. */
const statuses = [400, 401, 403, 429, 500, 502, 503] as const;

describe("an error answer that carries tokens", () => {
  for (const status of statuses) {
    test(`an error answer that carries tokens gives nobody a token: ${status}`, async (t) => {
      const bent = await bentProvider(t);
      const { grantId } = await bent.connect("ada/1");
      const error = status === 400 ? "invalid_grant" : "temporarily_unavailable";
      const planted = { error, access_token: "planted-at", refresh_token: "planted-rt", token_type: "Bearer" };
      bent.bend = { token: () => ({ status, body: planted }) };

      const [signIn] = await Promise.allSettled([bent.connect("bob/1")]);
      assert.equal(signIn.status, "rejected");
      bent.clock.advance(86_400_000);
      const [refresh] = await Promise.allSettled([bent.vault.getAccessToken(grantId)]);
      assert.equal(refresh.status, "rejected");
      for (const { reason } of [signIn, refresh] as PromiseRejectedResult[]) {
        assert.ok(isOnbehalfError(reason));
        assert.doesNotMatch(`${reason.stack ?? ""}${JSON.stringify(reason)}`, /planted/);
      }
      assert.doesNotMatch(JSON.stringify([bent.events, await bent.vault.grant(grantId)]), /planted/);

      // What it carried is used for nothing later either.
      bent.bend = {};
      bent.clock.advance(86_400_000);
      await Promise.allSettled([bent.vault.getAccessToken(grantId), bent.connect("bob/2")]);
      assert.ok(bent.requests.every(({ form }) => form["refresh_token"] !== "planted-rt"));
    });
  }
});

describe("an address is no person", () => {
  test("two accounts with one e-mail address are two grants, verified or not", async (t) => {
    const bent = await bentProvider(t);
    const grants = [];
    for (const [code, email, verified] of [
      ["ada/1", "shared@example.com", true],
      ["bob/1", "shared@example.com", true],
      ["eve/1", "shared@example.com", false],
      ["mal/1", "SHARED@example.com", true],
      ["may/1", "shared@example.com@evil.example", true],
      ["moe/1", "shared＠example.com", true],
    ] as const) {
      bent.bend = { claims: () => ({ email, email_verified: verified }) };
      grants.push(await bent.connect(code, { externalId: `user-of-${code}` }));
    }
    assert.equal(new Set(grants.map(({ grantId }) => grantId)).size, grants.length);
    for (const { grantId, subject, externalId = "" } of grants) {
      assert.equal((await bent.vault.grant({ subject })).grantId, grantId);
      assert.equal((await bent.vault.grant({ externalId })).grantId, grantId);
    }
  });
});
