import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { systemClock } from "../../../src/core/clock.ts";
import { postgres } from "../../../src/store/postgres/index.ts";
import { authority, certificate, expired, otherHosts } from "../../support/certificates.ts";
import { fails } from "../../support/fails.ts";
import { emptyDatabase } from "../../support/postgres.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { throughTls } from "../../support/tls-front.ts";

interface Case {
  readonly shows: string;
  readonly with: string;
  /** A part of the message; undefined where the store opens. */
  readonly refused?: string;
}

/** `CA` stands for the path of the authority's certificate. */
const cases: Readonly<Record<string, Case>> = {
  "an authority that nobody knows, require": { shows: certificate, with: "sslmode=require", refused: "not trusted" },
  "an authority that nobody knows, prefer": { shows: certificate, with: "sslmode=prefer", refused: "not trusted" },
  "an authority that nobody knows, verify-ca": {
    shows: certificate,
    with: "sslmode=verify-ca",
    refused: "not trusted",
  },
  "an authority that nobody knows, ssl=true": { shows: certificate, with: "ssl=true", refused: "not trusted" },
  "an authority that nobody knows, no-verify": { shows: certificate, with: "sslmode=no-verify" },
  "an authority that nobody knows, as libpq": { shows: certificate, with: "sslmode=require&uselibpqcompat=true" },
  "an authority that is named, verify-full": { shows: certificate, with: "sslmode=verify-full&sslrootcert=CA" },
  "an authority that is named, require": { shows: certificate, with: "sslmode=require&sslrootcert=CA" },
  "an authority that is named, and no mode": { shows: certificate, with: "sslrootcert=CA" },
  "another host's, verify-full": {
    shows: otherHosts,
    with: "sslmode=verify-full&sslrootcert=CA",
    refused: "for another host",
  },
  "another host's, verify-ca": { shows: otherHosts, with: "sslmode=verify-ca&sslrootcert=CA" },
  "one that has expired, verify-ca": {
    shows: expired,
    with: "sslmode=verify-ca&sslrootcert=CA",
    refused: "has expired",
  },
};

describe("the certificate of a PostgreSQL server", () => {
  for (const [what, { shows, with: parameters, refused }] of Object.entries(cases)) {
    test(`a certificate of ${what}: ${refused ?? "the store opens"}, and the driver warns of nothing`, async (t) => {
      const warnings: unknown[] = [];
      const noted = (warning: unknown): void => void warnings.push(warning);
      process.on("warning", noted);
      t.after(() => process.off("warning", noted));
      const ca = `${await temporaryFolder(t)}/ca.pem`;
      await writeFile(ca, authority);
      const url = await throughTls(t, await emptyDatabase(t), shows);
      url.search = parameters.replace("CA", encodeURIComponent(ca));
      const store = postgres(url.href);
      t.after(() => store.close());
      if (refused === undefined) await store.open({ clock: systemClock });
      else {
        const rejected = (error: unknown): boolean => {
          fails("store_unavailable", refused)(error);
          if (refused === "not trusted") assert.match((error as { hint: string }).hint, /sslrootcert=.*verify-full/);
          return true;
        };
        await assert.rejects(store.open({ clock: systemClock }), rejected);
      }
      assert.deepEqual(warnings, []);
    });
  }

  test("a PostgreSQL server without TLS is called that where TLS was asked for", async (t) => {
    const store = postgres(`${await emptyDatabase(t)}?sslmode=require`);
    await assert.rejects(store.open({ clock: systemClock }), fails("store_unavailable", "does not speak TLS"));
  });

  test("a file of the connection string that cannot be read is named with its parameter", async () => {
    for (const parameter of ["sslrootcert", "sslcert", "sslkey"]) {
      const store = postgres(`postgres://localhost/x?sslmode=verify-full&${parameter}=/no/such/file`);
      await assert.rejects(store.open({ clock: systemClock }), fails("configuration_invalid", `${parameter}=/no/such`));
    }
  });
});
