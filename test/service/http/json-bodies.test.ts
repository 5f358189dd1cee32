import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Secret } from "../../../src/index.ts";
import { askAgainAt } from "../../../src/core/token-life.ts";
import {
  asBytes,
  oauthTokenBody,
  oauthTokenBytes,
  tokenBody,
  tokenStart,
  withLife,
} from "../../../src/service/http/json-bodies.ts";
import { AccessToken } from "../../../src/vault/tokens/token-cache.ts";

const text = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.constantFrom("ya29.a0-_", '"\\\u2028', "a\ud800", "\u0000"),
);
const issued = 1_800_000_000_000;

describe("the JSON of a token", () => {
  test("is what JSON.stringify makes of its members, whatever is in them, and one byte a character where that is wanted", () => {
    fc.assert(
      fc.property(
        fc.record({
          value: text,
          grantId: text,
          provider: text,
          scopes: fc.array(text, { maxLength: 3 }),
          generation: fc.nat(),
          life: fc.option(fc.integer({ min: 0, max: 10_000_000 }), { nil: undefined }),
          later: fc.integer({ min: -5_000, max: 11_000_000 }),
        }),
        ({ value, grantId, provider, scopes, generation, life, later }) => {
          const end = life === undefined ? undefined : issued + life;
          const issue = { provider, generation, issuedAt: issued };
          const token = new AccessToken(grantId, new Secret(value), end, scopes, issue);
          const now = issued + later;
          const oauth = {
            access_token: value,
            token_type: "Bearer",
            scope: scopes.join(" "),
            expires_at: end === undefined ? undefined : Math.floor(end / 1_000),
          };
          const more = { refresh_at: new Date(askAgainAt(issued, end)), grant_id: grantId, provider, generation };
          const rest = end === undefined ? {} : { expires_in: Math.max(0, Math.floor((end - now) / 1_000)) };
          assert.equal(tokenBody(token, now), JSON.stringify({ ...oauth, ...more, ...rest }));
          assert.equal(oauthTokenBody(token, now), JSON.stringify({ ...oauth, ...rest }));
          const bytes = withLife(asBytes(tokenStart(token)), end, now);
          assert.equal(Buffer.from(bytes, "latin1").toString(), Buffer.from(tokenBody(token, now)).toString());
          const again = [oauthTokenBytes(token, now), oauthTokenBytes(token, now)];
          assert.deepEqual(again, Array(2).fill(asBytes(oauthTokenBody(token, now))));
        },
      ),
    );
  });
});
