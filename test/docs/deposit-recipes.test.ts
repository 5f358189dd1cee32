/** The recipes of docs/deposits.md, each run over what the library that it is for would have stored. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createCipheriv, randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { Client } from "pg";
import { depositIn } from "../../src/cli/grants/deposit/parse-line.ts";
import { needsProgram } from "../support/installed-programs.ts";
import { emptyDatabase } from "../support/postgres.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { blocksFor } from "./block-runners.ts";

const blocks = blocksFor("deposits, recipes");

/** The block of a language that has this in it. */
function block(language: string, has: string): string {
  const found = blocks.find((each) => each.language === language && each.text.includes(has));
  assert.ok(found, `${language} with ${has}`);
  return found.text;
}

/** What the command makes of the lines. */
function read(lines: readonly string[]): (readonly [string, string, string | undefined, string | undefined])[] {
  return lines
    .filter((line) => line !== "")
    .map((line) => depositIn(line, undefined))
    .map(
      ({ externalId, refreshToken, scope, provider }) => [externalId, refreshToken.expose(), scope, provider] as const,
    )
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

async function postgres(t: TestContext, schema: string, query: string): Promise<string[]> {
  const client = new Client({ connectionString: await emptyDatabase(t) });
  await client.connect();
  try {
    await client.query(schema);
    const { rows } = await client.query<Record<string, unknown>>(query);
    return rows.map((row) => JSON.stringify(Object.values(row)[0]));
  } finally {
    await client.end();
  }
}

describe("docs/deposits.md, out of what you have", () => {
  test("Better Auth: of a table with and without refresh tokens, those that there are become lines", () => {
    const database = new DatabaseSync(":memory:");
    database.exec(`CREATE TABLE "account" ("id" text PRIMARY KEY, "accountId" text NOT NULL, "providerId" text NOT NULL,
        "issuer" text NOT NULL, "userId" text NOT NULL, "accessToken" text, "refreshToken" text, "idToken" text,
        "accessTokenExpiresAt" date, "refreshTokenExpiresAt" date, "scope" text, "password" text,
        "createdAt" date NOT NULL, "updatedAt" date NOT NULL);
      INSERT INTO "account" ("id", "accountId", "providerId", "issuer", "userId", "refreshToken", "scope", "createdAt", "updatedAt")
      VALUES ('1', '107', 'google', 'https://accounts.google.com', 'u-1', '1//0a', 'openid,https://a.example/x', 0, 0),
        ('2', '108', 'google', 'https://accounts.google.com', 'u-2', NULL, NULL, 0, 0),
        ('3', 'u-3', 'credential', 'local:credential', 'u-3', NULL, NULL, 0, 0)`);
    const rows = database.prepare(block("sql", '"account"')).all();
    database.close();
    assert.deepEqual(read(rows.map((row) => String(Object.values(row)[0]))), [
      ["u-1", "1//0a", "openid https://a.example/x", "google"],
    ]);
  });

  test("Auth.js: the accounts of a PostgreSQL table become lines", async (t) => {
    const schema = `CREATE TABLE accounts (id SERIAL PRIMARY KEY, "userId" INTEGER NOT NULL, type VARCHAR(255) NOT NULL,
        provider VARCHAR(255) NOT NULL, "providerAccountId" VARCHAR(255) NOT NULL, refresh_token TEXT, access_token TEXT,
        expires_at BIGINT, id_token TEXT, scope TEXT, session_state TEXT, token_type TEXT);
      INSERT INTO accounts ("userId", type, provider, "providerAccountId", refresh_token, scope)
      VALUES (7, 'oidc', 'google', '107', '1//0a', 'openid email'), (8, 'oidc', 'google', '108', NULL, NULL),
        (9, 'oauth', 'github', '109', 'ghr_x', NULL)`;
    const lines = await postgres(t, schema, block("sql", "FROM accounts"));
    assert.deepEqual(read(lines), [["7", "1//0a", "openid email", "google"]]);
  });

  test("Nango: credentials become lines, encrypted or not", async (t) => {
    const key = randomBytes(32);
    const iv = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", key, iv);
    const held = JSON.stringify({ type: "OAUTH2", refresh_token: "1//0a", raw: { scope: "openid email" } });
    const sealed = cipher.update(held, "utf8", "base64") + cipher.final("base64");
    const tag = cipher.getAuthTag().toString("base64");
    const schema = `CREATE SCHEMA nango; CREATE TABLE nango._nango_connections (id serial PRIMARY KEY,
        provider_config_key varchar(255) NOT NULL, connection_id varchar(255) NOT NULL, credentials json NOT NULL,
        credentials_iv varchar(255), credentials_tag varchar(255), deleted boolean NOT NULL DEFAULT false);
      INSERT INTO nango._nango_connections (provider_config_key, connection_id, credentials, credentials_iv, credentials_tag, deleted)
      VALUES ('google', 'u-1', '{"encrypted_credentials":"${sealed}"}', '${iv.toString("base64")}', '${tag}', false),
        ('google', 'u-2', '{"type":"OAUTH2","refresh_token":"1//0b","raw":{}}', NULL, NULL, false),
        ('keys', 'u-3', '{"type":"API_KEY","apiKey":"x"}', NULL, NULL, false),
        ('google', 'u-4', '{"type":"OAUTH2","refresh_token":"1//0d"}', NULL, NULL, true)`;
    const rows = await postgres(t, schema, block("sql", "nango."));
    const program = join(await temporaryFolder(t), "open.mjs");
    await writeFile(program, block("js", "NANGO_ENCRYPTION_KEY"));
    const env = { ...process.env, NANGO_ENCRYPTION_KEY: key.toString("base64") };
    const printed = execFileSync(process.execPath, [program], { input: `${rows.join("\n")}\n`, env, encoding: "utf8" });
    assert.deepEqual(read(printed.split("\n")), [
      ["u-1", "1//0a", "openid email", "google"],
      ["u-2", "1//0b", undefined, "google"],
    ]);
  });

  test(
    "Google's library for Java: the file of a FileDataStoreFactory becomes lines",
    needsProgram("java"),
    async (t) => {
      const folder = await temporaryFolder(t);
      const home = join(folder, "com/google/api/client/auth/oauth2");
      await mkdir(home, { recursive: true });
      // In the library's place: what is written of an object is its class's name, its serial number and its fields.
      await writeFile(
        join(home, "StoredCredential.java"),
        `package com.google.api.client.auth.oauth2;
       public final class StoredCredential implements java.io.Serializable {
         private static final long serialVersionUID = 1L;
         private final java.util.concurrent.locks.Lock lock = new java.util.concurrent.locks.ReentrantLock();
         private String accessToken;
         private Long expirationTimeMilliseconds;
         private String refreshToken;
         public String getRefreshToken() { return refreshToken; }
         public StoredCredential setRefreshToken(String token) { refreshToken = token; return this; }
       }`,
      );
      await writeFile(
        join(folder, "Fill.java"),
        `import com.google.api.client.auth.oauth2.StoredCredential;
       import java.io.*;
       import java.util.HashMap;
       public class Fill {
         static byte[] bytes(Object value) throws Exception {
           ByteArrayOutputStream out = new ByteArrayOutputStream();
           new ObjectOutputStream(out).writeObject(value);
           return out.toByteArray();
         }
         public static void main(String[] files) throws Exception {
           HashMap<String, byte[]> users = new HashMap<>();
           users.put("u-1", bytes(new StoredCredential().setRefreshToken("1//0a")));
           users.put("u-2", bytes(new StoredCredential()));
           users.put("u \\"3\\"", bytes(new StoredCredential().setRefreshToken("1//0c")));
           try (FileOutputStream file = new FileOutputStream(files[0])) { file.write(bytes(users)); }
         }
       }`,
      );
      await writeFile(join(folder, "ExportTokens.java"), block("java", "StoredCredential"));
      const java = (program: string, ...args: readonly string[]): string =>
        execFileSync(program, args, { cwd: folder, encoding: "utf8" });
      java("javac", "-d", ".", join(home, "StoredCredential.java"), "Fill.java", "ExportTokens.java");
      java("java", "-cp", ".", "Fill", "StoredCredential");
      assert.deepEqual(read(java("java", "-cp", ".", "ExportTokens", "StoredCredential").split("\n")), [
        ['u "3"', "1//0c", undefined, undefined],
        ["u-1", "1//0a", undefined, undefined],
      ]);
    },
  );

  test("oauth2client: its three kinds of files become lines", needsProgram("python3"), async (t) => {
    const folder = await temporaryFolder(t);
    const held = (token: string | null, scopes: unknown): object => ({
      _class: "OAuth2Credentials",
      _module: "oauth2client.client",
      client_id: "c",
      refresh_token: token,
      scopes,
    });
    const coded = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64");
    const files: Readonly<Record<string, object>> = {
      "u-1.json": held("1//0a", ["email", "openid"]),
      "many.json": { file_version: 2, credentials: { "u-2": coded(held("1//0b", "")), "u-3": coded(held(null, [])) } },
      "older.json": { file_version: 1, data: [{ key: { key: "u-4" }, credential: held("1//0d", ["openid"]) }] },
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), JSON.stringify(text));
    await writeFile(join(folder, "export.py"), block("python", "refresh_token"));
    const printed = execFileSync("/usr/bin/python3", ["export.py", ...Object.keys(files)], {
      cwd: folder,
      encoding: "utf8",
    });
    assert.deepEqual(read(printed.split("\n")), [
      ["u-1", "1//0a", "email openid", undefined],
      ["u-2", "1//0b", undefined, undefined],
      ["u-4", "1//0d", "openid", undefined],
    ]);
  });

  test("oauth2client itself writes what the recipe reads", needsProgram("python3"), async (t) => {
    const folder = await temporaryFolder(t);
    await writeFile(join(folder, "export.py"), block("python", "refresh_token"));
    const fill = `
import sys
try:
    from oauth2client import client, file
except ImportError:
    sys.exit(77)
held = client.OAuth2Credentials("at", "c", "s", "1//0a", None, "https://t.example", "app", scopes=["openid"])
file.Storage("u-1.json").put(held)
`;
    try {
      execFileSync("/usr/bin/python3", ["-c", fill], { cwd: folder });
    } catch (error) {
      if ((error as { status?: number }).status !== 77) throw error;
      t.skip("needs python3-oauth2client (apt-get install)");
      return;
    }
    const printed = execFileSync("/usr/bin/python3", ["export.py", "u-1.json"], { cwd: folder, encoding: "utf8" });
    assert.deepEqual(read(printed.split("\n")), [["u-1", "1//0a", "openid", undefined]]);
  });
});
