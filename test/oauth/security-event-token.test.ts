import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, test } from "node:test";
import { SignJWT, createLocalJWKSet, exportJWK, generateKeyPair } from "jose";
import { futureLeewayMs, oldestSignalMs, signalKeptMs } from "../../src/core/signal-times.ts";
import { securityEventTypes, urisOf } from "../../src/oauth/security-event-token/event-types.ts";
import { longestSet, verifySet } from "../../src/oauth/security-event-token/verify.ts";
import type { SecurityEventToken, Transmitter } from "../../src/oauth/security-event-token/verify.ts";

const now = Date.parse("2026-11-22T12:00:00Z");
const issuer = "https://ssf.example";
const own = await generateKeyPair("RS256");
const another = await generateKeyPair("RS256");
const published = createLocalJWKSet({ keys: [{ ...(await exportJWK(own.publicKey)), kid: "one" }] });
const transmitter: Transmitter = {
  issuer,
  getKey: published,
  algorithms: ["RS256", "ES256"],
  isTypOptional: false,
  isOurs: (audience) => audience === "client-1",
};
const disabled = urisOf("account-disabled")[0] ?? "";
const person = { format: "iss_sub", iss: issuer, sub: "ada" };
const usual = {
  iss: issuer,
  aud: "client-1",
  iat: now / 1000,
  jti: "one",
  sub_id: person,
  events: { [disabled]: { reason: "hijacking" } },
};
const usualHeader = { alg: "RS256", kid: "one", typ: "secevent+jwt" };

function signed(claims: object, header: object = {}, key: CryptoKey = own.privateKey): Promise<string> {
  return new SignJWT({ ...usual, ...claims }).setProtectedHeader({ ...usualHeader, ...header }).sign(key);
}

function unsigned(header: object, claims: object = usual, signature = "c2ln"): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part(header)}.${part(claims)}.${signature}`;
}

async function resultOf(token: string, more: Partial<Transmitter> = {}): Promise<SecurityEventToken | string> {
  const result = await verifySet(token, (iss) => (iss === issuer ? { ...transmitter, ...more } : undefined), now);
  return "err" in result ? result.err : result;
}

async function taken(claims: object): Promise<SecurityEventToken> {
  const result = await resultOf(await signed(claims));
  if (typeof result === "string") assert.fail(result);
  return result;
}

describe("a Security Event Token", () => {
  test("a token of a trusted transmitter for our client is read, with whom and what it is about", async () => {
    assert.deepEqual(await taken({}), {
      issuer,
      jti: "one",
      issuedAt: now,
      audience: ["client-1"],
      events: [
        {
          type: "account-disabled",
          subject: { names: [{ kind: "person", iss: issuer, sub: "ada" }], isPartial: false },
          happenedAt: now,
          reason: "hijacking",
        },
      ],
    });
  });

  const hmac = (token: string): string =>
    `${token}.${createHmac("sha256", "client-1").update(token).digest("base64url")}`;
  const refused: readonly (readonly [what: string, err: string, token: () => string | Promise<string>])[] = [
    ["no token at all", "invalid_request", () => "hello"],
    ["an empty body", "invalid_request", () => ""],
    ["a token in JSON form", "invalid_request", () => '{"payload":"e30","signatures":[]}'],
    ["one that is longer than any", "invalid_request", () => signed({ state: "x".repeat(longestSet) })],
    ["one with padding", "invalid_request", async () => `${await signed({})}=`],
    [
      "one that has a claim twice",
      "invalid_request",
      () =>
        unsigned(usualHeader).replace(/\.[^.]+\./, `.${Buffer.from('{"iss":"a","iss":"b"}').toString("base64url")}.`),
    ],
    ["one of nobody who is trusted", "invalid_issuer", () => signed({ iss: "https://elsewhere.example" })],
    ["one without an issuer", "invalid_issuer", () => signed({ iss: undefined })],
    ["one whose issuer is a list", "invalid_issuer", () => signed({ iss: [issuer] })],
    ["one whose issuer has a slash more", "invalid_issuer", () => signed({ iss: `${issuer}/` })],
    ["an ID token's type", "invalid_request", () => signed({}, { typ: "JWT" })],
    ["no type", "invalid_request", () => signed({}, { typ: undefined })],
    ["a logout token", "invalid_request", () => signed({}, { typ: "logout+jwt" })],
    ["an extension that must be understood", "invalid_request", () => unsigned({ ...usualHeader, crit: ["exp"] })],
    ["a payload that is not encoded", "invalid_request", () => unsigned({ ...usualHeader, b64: false })],
    ["no signature", "invalid_key", () => unsigned({ ...usualHeader, alg: "none" })],
    [
      "a shared secret",
      "invalid_key",
      () =>
        hmac(
          unsigned({ ...usualHeader, alg: "HS256" })
            .split(".")
            .slice(0, 2)
            .join("."),
        ),
    ],
    ["an algorithm that is not on the list", "invalid_key", () => unsigned({ ...usualHeader, alg: "RS512" })],
    ["another key under the same id", "authentication_failed", () => signed({}, {}, another.privateKey)],
    ["a key that nobody knows", "invalid_key", () => signed({}, { kid: "two" }, another.privateKey)],
    [
      "another signature",
      "authentication_failed",
      async () => `${(await signed({})).split(".").slice(0, 2).join(".")}.${"A".repeat(342)}`,
    ],
    ["another's client", "invalid_audience", () => signed({ aud: "client-2" })],
    ["no audience", "invalid_request", () => signed({ aud: undefined })],
    ["an empty list of audiences", "invalid_audience", () => signed({ aud: [] })],
    ["an audience that is a number", "invalid_request", () => signed({ aud: ["client-1", 7] })],
    ["no id", "invalid_request", () => signed({ jti: undefined })],
    ["an empty id", "invalid_request", () => signed({ jti: "" })],
    ["an id that is a number", "invalid_request", () => signed({ jti: 7 })],
    ["no time", "invalid_request", () => signed({ iat: undefined })],
    ["a time that is a text", "invalid_request", () => signed({ iat: String(now / 1000) })],
    ["a time in the future", "invalid_request", () => signed({ iat: (now + futureLeewayMs) / 1000 + 1 })],
    ["a time too long ago", "invalid_request", () => signed({ iat: (now - oldestSignalMs) / 1000 - 1 })],
    ["no events, as an ID token has none", "invalid_request", () => signed({ events: undefined })],
    ["an empty object of events", "invalid_request", () => signed({ events: {} })],
    ["a list of events", "invalid_request", () => signed({ events: [disabled] })],
    ["an event that is a text", "invalid_request", () => signed({ events: { [disabled]: "hijacking" } })],
    [
      "too many events",
      "invalid_request",
      () => signed({ events: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`urn:${n}`, {}])) }),
    ],
    ["an event about nobody", "invalid_request", () => signed({ sub_id: undefined })],
    ["a subject without its issuer", "invalid_request", () => signed({ sub_id: { format: "iss_sub", sub: "ada" } })],
    ["a subject that is a text", "invalid_request", () => signed({ sub_id: "ada" })],
    [
      "aliases within aliases",
      "invalid_request",
      () => signed({ sub_id: { format: "aliases", identifiers: [{ format: "aliases", identifiers: [person] }] } }),
    ],
    ["no aliases", "invalid_request", () => signed({ sub_id: { format: "aliases", identifiers: [] } })],
  ];
  for (const [what, err, token] of refused) {
    test(`${what} is refused as ${err}`, async () => {
      assert.equal(await resultOf(await token()), err);
    });
  }

  test("what is signed badly is told nothing of whose client it is for", async () => {
    assert.equal(await resultOf(await signed({ aud: "client-2" }, {}, another.privateKey)), "authentication_failed");
  });

  test("an older token, a list of audiences and an end that is over are taken, and so is the oldest there may be", async () => {
    for (const claims of [
      { aud: ["client-7", "client-1"] },
      { exp: now / 1000 - 1 },
      { iat: (now - oldestSignalMs) / 1000 },
      { iat: (now + futureLeewayMs) / 1000 },
    ]) {
      assert.equal((await taken(claims)).jti, "one", JSON.stringify(claims));
    }
  });

  test("a token is remembered for longer than it can come again and be accepted", () => {
    assert.ok(signalKeptMs > oldestSignalMs + futureLeewayMs);
  });

  test("Google's tokens may lack a type, or have that of any JWT", async () => {
    for (const typ of [undefined, "JWT", "secevent+jwt", "application/secevent+jwt", "SECEVENT+JWT"]) {
      const result = await resultOf(await signed({}, { typ }), { isTypOptional: true });
      assert.equal(typeof result, "object", String(typ));
    }
    assert.equal(await resultOf(await signed({}, { typ: "logout+jwt" }), { isTypOptional: true }), "invalid_request");
  });

  test("when something happened is what the event says, then the token, and never later than the token was made", async () => {
    const happenedAt = async (claims: object, event: object = {}): Promise<number | undefined> =>
      (await taken({ ...claims, events: { [disabled]: event } })).events[0]?.happenedAt;
    assert.equal(await happenedAt({ toe: now / 1000 - 50 }), now - 50_000);
    assert.equal(await happenedAt({ toe: now / 1000 - 50 }, { event_timestamp: now / 1000 - 70 }), now - 70_000);
    assert.equal(await happenedAt({ toe: now / 1000 + 50 }, { event_timestamp: "yesterday" }), now);
    assert.equal(await happenedAt({}, { event_timestamp: now }), now, "milliseconds, as some write it");
  });

  test("an event that nobody knows is read as that, whatever is in it; those beside it are read", async () => {
    const { events } = await taken({ events: { "https://example.com/event": { subject: 7 }, [disabled]: {} } });
    assert.deepEqual(
      events.map(({ type, subject }) => [type, subject?.names.length]),
      [
        [undefined, undefined],
        ["account-disabled", 1],
      ],
    );
  });

  test("words of an event that are no words are left out", async () => {
    const { events } = await taken({ events: { [disabled]: { reason: "<script>", change_type: "Delete" } } });
    assert.deepEqual([events[0]?.reason, events[0]?.change], [undefined, "delete"]);
  });

  test("every kind of event is found by its URI, and none by another's", () => {
    const uris = securityEventTypes.flatMap(urisOf);
    assert.equal(new Set(uris).size, uris.length);
    assert.deepEqual(urisOf("verification").toSorted(), [
      "https://schemas.openid.net/secevent/risc/event-type/verification",
      "https://schemas.openid.net/secevent/ssf/event-type/verification",
    ]);
  });
});

describe("whom a security event is about", () => {
  const named = [{ kind: "person", iss: issuer, sub: "ada" }];
  const subjects: readonly (readonly [what: string, subject: object, names: readonly object[], isPartial?: boolean])[] =
    [
      ["an issuer and its id", person, named],
      ["the same as RISC had it before", { subject_type: "iss-sub", iss: issuer, sub: "ada" }, named],
      [
        "claims of an ID token",
        { subject_type: "id_token_claims", iss: issuer, sub: "ada", email: "a@b.example" },
        named,
      ],
      [
        "claims of an ID token without an id",
        { subject_type: "id_token_claims", iss: issuer, email: "a@b.example" },
        [],
      ],
      ["an id of the transmitter's own", { format: "opaque", id: "ada" }, [{ kind: "opaque", id: "ada" }]],
      ["an address, which may be another's tomorrow", { format: "email", email: "ada@example.com" }, []],
      ["an account", { format: "account", uri: "acct:ada@example.com" }, []],
      ["a telephone number", { format: "phone_number", phone_number: "+12065550100" }, []],
      ["a format that is not known", { format: "https://example.com/format", id: "ada" }, []],
      [
        "several names",
        { format: "aliases", identifiers: [{ format: "email", email: "ada@example.com" }, person] },
        named,
      ],
      ["a user and nothing beside it", { format: "complex", user: person }, named],
      ["a user within a tenant", { format: "complex", user: person, tenant: { format: "opaque", id: "t" } }, named],
      [
        "one session of a user",
        { format: "complex", user: person, session: { format: "opaque", id: "s" } },
        named,
        true,
      ],
      [
        "one device of a user, as it was written before",
        { user: person, device: { format: "opaque", id: "d" } },
        named,
        true,
      ],
      ["a session alone", { format: "complex", session: { format: "opaque", id: "s" } }, [], true],
      [
        "a refresh token by its beginning",
        { subject_type: "oauth_token", token_type: "refresh_token", token_identifier_alg: "prefix", token: "1//0abc" },
        [{ kind: "refresh-token", form: "prefix", value: "1//0abc" }],
      ],
      [
        "a refresh token by its hash",
        {
          subject_type: "oauth_token",
          token_type: "refresh_token",
          token_identifier_alg: "hash_base64_sha512_sha512",
          token: "aGFzaA==",
        },
        [{ kind: "refresh-token", form: "digest", value: "aGFzaA==" }],
      ],
      [
        "an access token",
        { subject_type: "oauth_token", token_type: "access_token", token_identifier_alg: "prefix", token: "ya29" },
        [],
      ],
    ];
  for (const [what, subject, names, isPartial = false] of subjects) {
    test(`a subject that is ${what}`, async () => {
      for (const claims of [{ sub_id: subject }, { sub_id: undefined, events: { [disabled]: { subject } } }]) {
        assert.deepEqual((await taken(claims)).events[0]?.subject, { names, isPartial });
      }
    });
  }

  test("the claim sub is a person of the token's issuer, where nothing else names one", async () => {
    assert.deepEqual((await taken({ sub_id: undefined, sub: "ada" })).events[0]?.subject?.names, named);
  });
});
