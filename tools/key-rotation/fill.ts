/** Fills a store with grants that the provider has never heard of, sealed as a vault seals them. */
import { DatabaseSync } from "node:sqlite";
import { defined } from "../../src/core/defined.ts";
import type { Profile } from "../../src/core/grant.ts";
import { Secret } from "../../src/core/secret.ts";
import { accountHash, externalHash, identityMac, subjectHash } from "../../src/crypto/keyring.ts";
import type { Keyring } from "../../src/crypto/keyring.ts";
import { newGrant } from "../../src/store/new-grant.ts";
import { inOrder, insertList, numbered, valuesWriter } from "../../src/store/sql/column.ts";
import { insertTie } from "../../src/store/sql/external-ids.ts";
import { grantColumns } from "../../src/store/sql/tables.ts";
import type { SqlValue, SqlValues } from "../../src/store/sql/sql.ts";
import type { GrantRow } from "../../src/store/grant-row.ts";
import { sealPerson } from "../../src/vault/grants/sealed-grant.ts";
import { sealTokens } from "../../src/vault/keeper/sealed-tokens.ts";

/** The grant's id, from which its tokens follow. Spread as random ids are. */
export function grantIdOf(n: number): string {
  const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const mixed = (n * 48_271) % 3_844;
  return `g_${letters[Math.floor(mixed / 62)] ?? ""}${letters[mixed % 62] ?? ""}filled-${n}`;
}

export const subjectOf = (n: number): string => `s-${n}`;
export const externalIdOf = (n: number): string => `user-${n}`;
export const refreshTokenOf = (grantId: string): string => `1//planted-refresh-${grantId}`;
/** As long as Google's are. */
export const accessTokenOf = (grantId: string): string => `ya29.planted-access-${grantId}-`.padEnd(220, "a");

/** Whose grants are made, and of what kind. */
export interface Filling {
  readonly clientId: string;
  readonly issuer: string;
  /** Whether their access tokens have ended. */
  readonly isExpired?: boolean;
  /** Whether each has a profile as long as Google's. Default: the subject alone. */
  readonly isNamed?: boolean;
}

function rowOf(keyring: Keyring, n: number, { isExpired = false, isNamed = false, ...client }: Filling): GrantRow {
  const grantId = grantIdOf(n);
  const now = Date.now() - (isExpired ? 7_200_000 : 0);
  const identity = {
    grantId,
    provider: "google",
    ...client,
    subjectHash: subjectHash(keyring, client.issuer, subjectOf(n)),
  };
  const received = {
    receivedAt: now,
    tokens: {
      accessToken: new Secret(accessTokenOf(grantId)),
      refreshToken: new Secret(refreshTokenOf(grantId)),
      expiresInSeconds: isExpired ? 3_600 : 86_400,
    },
  };
  const scopes = { scope: "openid email", lostScope: "" };
  return {
    ...newGrant,
    ...identity,
    identityMac: identityMac(keyring, identity),
    profileSealed: sealPerson(keyring, identity, {
      profile: { sub: subjectOf(n), ...(isNamed ? nameOf(n) : {}) },
      externalIds: [{ externalId: externalIdOf(n), account: subjectOf(n) }],
    }),
    ...sealTokens({ keyring }, identity, 1, received, scopes, undefined),
    ...defined({ stateSince: now, createdAt: now, updatedAt: now }),
  };
}

function nameOf(n: number): Omit<Profile, "sub"> {
  const name = `Person ${n}`;
  const email = `person-${n}@customer-${n % 977}.example.com`;
  const picture = `https://lh3.googleusercontent.com/a/${"p".repeat(60)}=s96-c`;
  return { email, email_verified: true, name, given_name: "Person", family_name: String(n), locale: "en", picture };
}

/** Under which of the app's own user ids the grant is found. */
function tieOf(keyring: Keyring, n: number, clientId: string): SqlValues {
  return {
    externalHash: externalHash(keyring, externalIdOf(n)),
    clientId,
    provider: "google",
    accountHash: accountHash(keyring, subjectOf(n)),
    grantId: grantIdOf(n),
  };
}

/**
 * @param setting the value of `ONBEHALF_STORE`
 * @param client whose grants these are, and whether their access tokens have ended
 */
export async function fillGrants(setting: string, keyring: Keyring, grants: number, client: Filling): Promise<void> {
  const values = valuesWriter(grantColumns);
  const isSqlite = setting.startsWith("sqlite:");
  const mark = isSqlite ? "?" : "$";
  const insert = numbered(`INSERT INTO grants ${insertList(grantColumns)}`, mark);
  const tie = numbered(insertTie, mark);
  const rows = function* (): Generator<readonly [grant: SqlValue[], tie: SqlValue[]]> {
    for (let n = 0; n < grants; n += 1) {
      yield [
        inOrder(values(rowOf(keyring, n, client)), insert.names),
        inOrder(tieOf(keyring, n, client.clientId), tie.names),
      ];
    }
  };
  if (isSqlite) {
    const database = new DatabaseSync(setting.slice("sqlite:".length), { timeout: 30_000 });
    const [statement, tieStatement] = [database.prepare(insert.text), database.prepare(tie.text)];
    database.exec("BEGIN IMMEDIATE");
    for (const [row, known] of rows()) {
      statement.run(...row);
      tieStatement.run(...known);
    }
    database.exec("COMMIT");
    database.close();
    return;
  }
  const { Client } = await import("pg");
  const database = new Client({ connectionString: setting });
  await database.connect();
  // Each commit numbers its changes in one row: a hundred thousand versions of it in one transaction would take minutes.
  await database.query("BEGIN");
  let filled = 0;
  for (const [row, known] of rows()) {
    await Promise.all([
      database.query({ name: "fill", text: insert.text, values: row }),
      database.query({ name: "fill-tie", text: tie.text, values: known }),
    ]);
    filled += 1;
    if (filled % 500 === 0) await database.query("COMMIT; BEGIN");
  }
  await database.query("COMMIT");
  await database.end();
}
