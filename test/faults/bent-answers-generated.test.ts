/** `BENT=full` bends thousands of answers; without it, some hundred. `BENT_SEED` brings a failure back. */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import * as fc from "fast-check";
import { isOnbehalfError } from "../../src/index.ts";
import type { Grant, Vault } from "../../src/index.ts";
import { fromJournal, journalText, unverifiedClaims } from "../../src/oauth/token-set.ts";
import { tokenResponseOf } from "../../src/oauth/token-endpoint.ts";
import type { TokenResponse } from "../../src/oauth/token-endpoint.ts";
import { bentShapes } from "../support/bent-answers.ts";
import type { BentResult, BentShape } from "../support/bent-answers.ts";
import { bentProvider } from "../support/bent-provider.ts";
import type { Members } from "../support/bent-provider.ts";

const isFull = process.env["BENT"] === "full";
const seed = Number(process.env["BENT_SEED"] ?? randomInt(2 ** 31));
/** Thousands of exchanges over loopback take minutes on a slow machine. */
const limit = { timeout: isFull ? 1_800_000 : 120_000 };
const day = 86_400_000;
/** The clock stands still, so this is how many exchanges there may be in a day. */
const exchangeRate = { perSecond: 1_000, burst: 1_000 };

/** Reads an answer without a socket. */
function read({ answer, arrived, isCut }: BentResult): TokenResponse {
  const whole = { status: answer.status ?? 200, headers: new Headers(), text: arrived.replace(/^\ufeff/, "") };
  return tokenResponseOf(
    isCut ? { kind: "silence", sent: true, error: "terminated", begun: whole } : { kind: "body", ...whole },
    0,
  );
}

test(`answers that are bent at random lose no refresh token and make up no scope (BENT_SEED=${seed})`, () => {
  fc.assert(
    fc.property(bentShapes, ({ bend }) => {
      const bent = bend("at-7", "rt-7");
      const response = read(bent);
      if (response.kind !== "tokens") {
        assert.ok(!bent.carries, "the refresh token is in it");
        return assert.ok(bent.isCut || bent.usable === undefined, "the access token is in it");
      }
      const { tokens } = fromJournal(journalText({ tokens: response.tokens, receivedAt: 1 }).expose()) ?? assert.fail();
      const refreshTokens = [tokens.refreshToken, ...(tokens.otherRefreshTokens ?? [])].map((token) => token?.expose());
      assert.equal(refreshTokens.includes("rt-7"), bent.carries);
      if (!bent.isCut) assert.equal(tokens.accessToken?.expose(), bent.usable);
      if (tokens.scope !== undefined || !bent.isCut) assert.deepEqual(tokens.scope?.split(" "), bent.said);
      return undefined;
    }),
    { seed, numRuns: isFull ? 100_000 : 2_000 },
  );
});

async function tokenOf(vault: Vault, grantId: string): Promise<string | undefined> {
  try {
    return (await vault.getAccessToken(grantId)).token;
  } catch (error) {
    assert.ok(isOnbehalfError(error), String(error));
    assert.ok(["provider_unavailable", "reauthorization_required"].includes(error.code), error.message);
    return undefined;
  }
}

function bentBy(bend: BentShape["bend"], healthy: Members): BentResult {
  const { access_token: access, refresh_token: refresh, id_token: idToken } = healthy;
  return bend(String(access), String(refresh), idToken);
}

test(
  `refreshes whose answers are bent at random leave each grant that can go on working, and nobody else's changed (BENT_SEED=${seed})`,
  limit,
  async (t) => {
    const provider = await bentProvider(t, {}, { strict: true, vault: { exchangeRate } });
    const { vault, clock } = provider;
    let run = 0;
    await fc.assert(
      fc.asyncProperty(bentShapes, async ({ bend }) => {
        provider.bend = {};
        run += 1;
        const [ada, bob] = [`ada-${run}`, `bob-${run}`];
        const { grantId } = await provider.connect(`${ada}/1`);
        const { grantId: another } = await provider.connect(`${bob}/1`);
        clock.advance(day);
        let bent: BentResult | undefined;
        let bobs: unknown;
        provider.bend = {
          token(healthy, { subject }) {
            if (subject === bob) bobs = healthy["access_token"];
            if (subject !== ada || bent !== undefined) return undefined;
            bent = bentBy(bend, healthy);
            return bent.answer;
          },
        };
        const [token, bobsToken] = await Promise.all([tokenOf(vault, grantId), tokenOf(vault, another)]);
        assert.ok(bent !== undefined, "the provider was asked");
        const { usable, carries, said, isCut, answer } = bent;
        if (!isCut && usable !== undefined) assert.equal(token, usable);
        const held = ["openid", "files"];
        const { scopes, generation } = await vault.grant(grantId);
        const expected = generation === 2 && said !== undefined && !isCut ? said : held;
        assert.ok(
          [expected, isCut ? said : undefined].some((each) => each?.join() === scopes.join()),
          scopes.join(),
        );

        assert.ok(bobsToken !== undefined && bobsToken === bobs);
        const other = await vault.grant(another);
        assert.deepEqual([other.subject, other.generation, other.scopes.join()], [bob, 2, held.join()]);

        // The provider is healthy again.
        clock.advance(day);
        const next = await tokenOf(vault, grantId);
        if (carries || answer.spends === false) {
          assert.ok(next !== undefined, "the grant works");
          assert.equal((await vault.grant(grantId)).state, "active");
        }
        // Otherwise they would be refreshed in the background of every later run.
        await Promise.all([grantId, another].map((each) => vault.revoke(each)));
      }),
      { seed, numRuns: isFull ? 5_000 : 120 },
    );
  },
);

test(
  `refreshes that bring another person's answer, bent at random, give nothing of it to anybody (BENT_SEED=${seed})`,
  limit,
  async (t) => {
    const provider = await bentProvider(t, {}, { strict: true, idTokenAtRefresh: true, vault: { exchangeRate } });
    const { vault, clock, requests } = provider;
    let run = 0;
    await fc.assert(
      fc.asyncProperty(bentShapes, async ({ bend, what }) => {
        run += 1;
        provider.bend = {};
        const { grantId, scopes: held } = await provider.connect(`ada-${run}/1`);
        clock.advance(day);
        let bent: BentResult | undefined;
        let issued: unknown;
        provider.bend = {
          claims: () => ({ sub: `bob-${run}` }),
          token(healthy) {
            if (bent !== undefined) return { status: 503 };
            bent = bentBy(bend, healthy);
            issued = healthy["refresh_token"];
            return bent.answer;
          },
        };
        const token = await tokenOf(vault, grantId);
        assert.ok(bent !== undefined, "the provider was asked");
        const response = read(bent);
        const idToken = response.kind === "tokens" ? response.tokens.idToken : undefined;
        // An ID token that was cut off names nobody.
        const namesBob = idToken !== undefined && unverifiedClaims(idToken).sub === `bob-${run}`;
        if (response.kind === "tokens" && !bent.isCut) assert.ok(namesBob, what);
        provider.bend = {};
        if (namesBob) {
          const { generation, scopes, lastError } = await vault.grant(grantId);
          assert.deepEqual([token, generation, scopes], [undefined, 1, held]);
          assert.equal(lastError?.error, "answer_of_another_grant");
          clock.advance(day);
          assert.notEqual(await tokenOf(vault, grantId), bent.usable ?? "");
          assert.ok(!requests.some(({ form }) => form["refresh_token"] === issued));
        }
        // Answers of others in a row are a provider in trouble, which is left alone for a while.
        clock.advance(day);
        await vault.revoke(grantId);
      }),
      { seed, numRuns: isFull ? 5_000 : 80 },
    );
  },
);

test(
  `codes whose answers are bent at random become the grant of who signed in, or are refused for good (BENT_SEED=${seed})`,
  limit,
  async (t) => {
    const provider = await bentProvider(t, {}, { strict: true, vault: { exchangeRate } });
    const { vault, clock } = provider;
    const asked = ["openid", "files", "mail"];
    let run = 0;
    await fc.assert(
      fc.asyncProperty(bentShapes, async ({ bend, what }) => {
        run += 1;
        let bent: BentResult | undefined;
        provider.bend = {
          token(healthy) {
            bent = bentBy(bend, healthy);
            // A code is used up with any answer of success.
            return { ...bent.answer, spends: true };
          },
        };
        const ada = `ada-${run}`;
        const connect = (): Promise<Grant | string> =>
          provider.connect(`${ada}/1`, { scopes: asked }).catch((error: unknown) => {
            assert.ok(isOnbehalfError(error), String(error));
            return error.code;
          });
        const grant = await connect();
        assert.ok(bent !== undefined);
        const { carries, usable, said, hasNoScope, isCut } = bent;
        provider.bend = {};
        if (typeof grant === "string") {
          assert.ok(isCut || (!carries && usable === undefined), `${grant}: whole, and with a token`);
          clock.advance(60_000);
          const again = await connect();
          assert.ok(again === "code_rejected" || again === "id_token_invalid", "the code is used up");
          return;
        }
        assert.equal(grant.subject, ada);
        const ofWhole = said ?? (hasNoScope ? asked : []);
        // Of an answer that was cut off, a scope may be missing.
        assert.ok(
          [ofWhole, ...(isCut ? [[]] : [])].some((each) => each.join() === grant.scopes.join()),
          what,
        );
        if (usable === undefined && !carries) return;
        clock.advance(day);
        const token = await tokenOf(vault, grant.grantId);
        // Without a refresh token and without an end, the token is handed out for as long as nobody refuses it.
        if (carries) assert.ok(token !== undefined && token !== usable);
        else assert.ok(token === undefined || token === usable);
        await vault.revoke(grant.grantId);
      }),
      { seed, numRuns: isFull ? 5_000 : 80 },
    );
  },
);
