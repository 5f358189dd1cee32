/** A token that one look at the store gives is the one that reading and weighing whole rows gives, and so is every refusal. */
import assert from "node:assert/strict";
import { copyFileSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { google, isOnbehalfError } from "../../../src/index.ts";
import type { AccessToken, Caller, GrantRef, Store, Vault } from "../../../src/index.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { appData, testVault } from "../../support/test-vault.ts";
import { permissions } from "../../../src/vault/http/callers.ts";

/** The store, where no answer is given without whole rows. */
function wholeRows(store: Store): Store {
  return {
    ...store,
    tokenById: async () => undefined,
    tokensBySubject: async () => [],
    tokensByExternalId: async () => [],
  };
}

const hourMs = 3_600_000;
const now = Date.parse("2026-11-22T00:00:00Z");

/** What happens to one grant; `other` is another one. What the schema refuses does not happen. */
const edits: Readonly<Record<string, string>> = {
  suspect: "UPDATE grants SET state = 'suspect' WHERE grant_id = :grant",
  "suspect from a wrong clock": `UPDATE grants SET state = 'suspect', state_since = ${now + hourMs} WHERE grant_id = :grant`,
  lapsed: "UPDATE grants SET state = 'lapsed', reason = 'invalid_grant' WHERE grant_id = :grant",
  revoked: "UPDATE grants SET state = 'revoked', reason = 'revoked' WHERE grant_id = :grant",
  "ends in half a minute": `UPDATE grants SET access_expires_at = ${now + 30_000} WHERE grant_id = :grant`,
  ended: `UPDATE grants SET access_expires_at = ${now - 1} WHERE grant_id = :grant`,
  "ends at nobody knows when": "UPDATE grants SET access_expires_at = NULL WHERE grant_id = :grant",
  "issued in our future": `UPDATE grants SET access_issued_at = ${now + hourMs} WHERE grant_id = :grant`,
  "issued long ago": `UPDATE grants SET access_issued_at = ${now - 24 * hourMs} WHERE grant_id = :grant`,
  "issued nobody knows when": "UPDATE grants SET access_issued_at = NULL WHERE grant_id = :grant",
  "without a refresh token": "UPDATE grants SET refresh_sealed = NULL WHERE grant_id = :grant",
  "without an access token": "UPDATE grants SET access_sealed = NULL WHERE grant_id = :grant",
  "damaged token": "UPDATE grants SET access_sealed = randomblob(300) WHERE grant_id = :grant",
  "token of another": moved("access_sealed"),
  "damaged profile": "UPDATE grants SET profile_sealed = randomblob(200) WHERE grant_id = :grant",
  "profile of another": moved("profile_sealed"),
  "subject of another": moved("subject_hash"),
  "client of another": moved("client_id"),
  "provider of another": moved("provider"),
  "issuer of another": moved("issuer"),
  "scope of another": moved("scope"),
  "another generation": "UPDATE grants SET generation = generation + 1 WHERE grant_id = :grant",
  "a provider that is not there": "UPDATE grants SET provider = 'none' WHERE grant_id = :grant",
  "a client that is not there": "UPDATE grants SET client_id = 'none' WHERE grant_id = :grant",
  "known by no external id": "DELETE FROM external_ids WHERE grant_id = :grant",
  "known by the external id of another": `INSERT INTO external_ids (external_hash, client_id, provider, account_hash, grant_id)
    SELECT external_hash, client_id, provider, randomblob(32), :grant FROM external_ids WHERE grant_id = :other`,
  "means another": "UPDATE external_ids SET grant_id = :other WHERE grant_id = :grant",
  "another label": "UPDATE external_ids SET account_hash = randomblob(32) WHERE grant_id = :grant",
  gone: "DELETE FROM grants WHERE grant_id = :grant",
};

function moved(column: string): string {
  return `UPDATE grants SET ${column} = (SELECT ${column} FROM grants WHERE grant_id = :other) WHERE grant_id = :grant`;
}

const editing = fc.array(
  fc.record({ edit: fc.constantFrom(...Object.keys(edits)), grant: fc.nat(6), other: fc.nat(6) }),
  { maxLength: 4 },
);

interface Trial {
  readonly grantIds: readonly string[];
  readonly refs: readonly GrantRef[];
  readonly callers: readonly (Caller | undefined)[];
  /** The tokens that were there before anything was asked, and which grant's each is. */
  readonly tokens: ReadonlyMap<string, string>;
  /** Opens a vault over a copy of the database in which this has happened. */
  openAfter(happened: readonly { edit: string; grant: number; other: number }[], isWhole: boolean): Promise<Vault>;
}

async function newTrial(t: Parameters<typeof testVault>[0]): Promise<Trial> {
  const fixture = await testVault(t);
  const { standin, path, provider } = fixture;
  const client = standin.client({ clientSecret: "second-secret" });
  const second = {
    ...google({ clientId: client.clientId, clientSecret: "second-secret", baseUrl: standin.url }),
    name: "second",
  };
  const providers = [provider, second];
  const vault = await fixture.open({ providers });
  const tokens = new Map<string, string>();
  const refs: GrantRef[] = ["g_none", { subject: "nobody" }, { externalId: "nobody" }];
  const grantIds: string[] = [];
  for (const [email, at, externalId, account] of [
    ["ada@example.com", provider, "team:ada", undefined],
    ["ada.home@example.com", provider, "team:ada", "home"],
    ["carl@example.com", provider, "team:carl", "carl@example.com"],
    ["ada@example.com", second, "team:ada", undefined],
    ["eve@example.com", second, undefined, undefined],
  ] as const) {
    const { clientId } = at === second ? client : standin;
    const code = standin.code({ email, clientId, scope: at === second ? "openid email" : `openid email ${appData}` });
    const named = externalId === undefined ? {} : { externalId, ...(account === undefined ? {} : { account }) };
    const { grantId, subject } = await vault.exchangeCode({ code, provider: at.name, ...named });
    grantIds.push(grantId);
    tokens.set((await vault.getAccessToken(grantId)).token, grantId);
    const names: GrantRef[] = [{ subject }, ...(externalId === undefined ? [] : [{ externalId }])];
    for (const name of names.filter((each) => typeof each !== "string")) {
      for (const provided of [{}, { provider: at.name }]) {
        for (const label of [{}, { account: account ?? subject }, { account: "none" }]) {
          refs.push({ ...name, ...provided, ...label });
        }
      }
    }
  }
  // Another program of the same store, with a client of its own at the same provider.
  const other = standin.client({ clientSecret: "other-secret" });
  const elsewhere = await fixture.open({
    provider: google({ clientId: other.clientId, clientSecret: "other-secret", baseUrl: standin.url }),
  });
  for (const email of ["ada@example.com", "zoe@example.com"]) {
    const code = standin.code({ email, clientId: other.clientId });
    grantIds.push((await elsewhere.exchangeCode({ code, externalId: "team:ada", account: email })).grantId);
  }
  refs.push(...grantIds);
  const create = async (...narrowed: object[]): Promise<Caller> =>
    (await vault.callers.create(`caller-${callers.length}`, Object.assign({ allow: permissions }, ...narrowed))).caller;
  const callers: (Caller | undefined)[] = [undefined];
  callers.push(await create());
  callers.push(await create({ grants: ["ext:team:ada"] }));
  callers.push(await create({ grants: ["ext:team:*"], providers: [provider.name] }));
  callers.push(
    await create({ grants: [grantIds[2] ?? "", "ext:team:carl"] }, { providers: [provider.name, "second"] }),
  );
  const all = callers[1] ?? assert.fail();
  const limits = {
    allow: ["token"],
    grants: ["ext:team:*"],
    scopes: ["openid", "email"],
    expiresInSeconds: 3_600,
  } as const;
  const { key } = await vault.forCaller(all).sessions.create(limits);
  callers.push(await vault.callers.authenticate(`Bearer ${key.expose()}`));
  // What is in the log of a file that is open is not in a copy of it.
  await Promise.all([vault, elsewhere].map((each) => each.close()));
  let copies = 0;
  return {
    grantIds,
    refs,
    callers,
    tokens,
    async openAfter(happened, isWhole) {
      const copy = `${path}.${(copies += 1)}`;
      copyFileSync(path, copy);
      t.after(() => rmSync(copy, { force: true }));
      const database = new DatabaseSync(copy);
      database.exec("PRAGMA foreign_keys = OFF");
      for (const { edit, grant, other } of happened) {
        const named = { grant: grantIds[grant] ?? "", other: grantIds[other] ?? "" };
        const sql = edits[edit] ?? "";
        try {
          database.prepare(sql).run(sql.includes(":other") ? named : { grant: named.grant });
        } catch {
          // The schema refuses it, and does so in both copies.
        }
      }
      database.close();
      const store = sqlite(copy);
      return fixture.open({ providers, store: isWhole ? wholeRows(store) : store });
    },
  };
}

/** What came of it, with nothing in it that two runs do not share. */
async function outcome(tokens: Trial["tokens"], asking: () => Promise<AccessToken>): Promise<object> {
  try {
    const { grantId, token, expiresAt, scopes, issue } = await asking();
    return { grantId, scopes, expiresAt, issue, of: tokens.get(token) ?? "a new one" };
  } catch (error) {
    if (!isOnbehalfError(error)) return { thrown: String(error) };
    return { code: error.code, message: error.message, details: error.details };
  }
}

describe("a token that one look at the store gives", () => {
  test("whatever has happened to the rows, whoever asks and by what, the answer is the one that whole rows give", async (t) => {
    const { refs, callers, tokens, openAfter } = await newTrial(t);
    // Each kind of change once, and then several together.
    const examples = Object.keys(edits).map((edit, n): [{ edit: string; grant: number; other: number }[], number] => [
      [{ edit, grant: n % 4, other: (n + 1) % 4 }],
      n * 29,
    ]);
    const answers = new Map<string, number>();
    const ttls = [undefined, 0, 7_200];
    await fc.assert(
      fc.asyncProperty(editing, fc.nat(), async (happened, first) => {
        const [short, long] = [await openAfter(happened, false), await openAfter(happened, true)];
        try {
          // In another order each time: what is in memory by then is another.
          for (let n = 0; n < refs.length; n += 1) {
            const ref = refs[(n * 1_009 + first) % refs.length] ?? "";
            const minTtlSeconds = ttls[(n + first) % ttls.length];
            const options = minTtlSeconds === undefined ? {} : { minTtlSeconds };
            const caller = callers[(n + (first >> 3)) % callers.length];
            const ask = (vault: Vault) => () =>
              (caller === undefined ? vault : vault.forCaller(caller)).getAccessToken(ref, options);
            const [given, expected] = [await outcome(tokens, ask(short)), await outcome(tokens, ask(long))];
            const kind = "code" in given ? String(given.code) : "of" in given ? "token" : "thrown";
            answers.set(kind, (answers.get(kind) ?? 0) + 1);
            assert.deepEqual(given, expected, `${JSON.stringify(ref)} of ${caller?.name ?? "the app"}`);
          }
        } finally {
          await Promise.all([short.close(), long.close()]);
        }
      }),
      { numRuns: examples.length + 5, examples },
    );
    const codes = ["ambiguous_grant", "client_misconfigured", "grant_not_found", "grant_unreadable"];
    for (const kind of ["token", "forbidden", "reauthorization_required", ...codes]) assert.ok(answers.has(kind), kind);
    t.diagnostic(JSON.stringify(Object.fromEntries(answers)));
  });
});
