import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { learnMs } from "../../../../src/core/data-keys.ts";
import { keyringFromKeys, rotateDataKeys } from "../../../../src/index.ts";
import {
  clientKeyPlace,
  connectPlace,
  registrationPlace,
  sealedColumns,
  ticketPlace,
} from "../../../../src/crypto/places.ts";
import type { SealedColumn, SealedPlace } from "../../../../src/crypto/places.ts";
import { sealedUnder } from "../../../../src/crypto/sealing.ts";
import { intakePlace } from "../../../../src/vault/keeper/codes/intake.ts";
import { keepLateAnswer } from "../../../../src/vault/keeper/late-answers.ts";
import { Secret } from "../../../../src/core/secret.ts";
import { processOn } from "../../../support/key-process.ts";
import { testVault } from "../../../support/test-vault.ts";

/** Where each kind of sealed value stands in the schema. A rescue file is none of the store's. */
const columns: Readonly<Record<Exclude<SealedColumn, "rescue.answer">, `${string}.${string}_sealed`>> = {
  "grants.profile": "grants.profile_sealed",
  "grants.access_token": "grants.access_sealed",
  "grants.refresh_token": "grants.refresh_sealed",
  "intakes.context": "intakes.context_sealed",
  "intakes.answer": "intakes.answer_sealed",
  "intakes.assertion": "intakes.assertion_sealed",
  "tickets.context": "tickets.context_sealed",
  "orphans.answer": "orphans.answer_sealed",
  "callers.grants": "callers.grants_sealed",
  "sessions.limits": "sessions.limits_sealed",
  "client_keys.dpop": "client_keys.key_sealed",
  "connects.asked": "connects.asked_sealed",
  "connects.flow": "connects.flow_sealed",
  "registered_clients.registration": "registered_clients.registration_sealed",
};

test("every column of the schema that holds sealed values is sealed anew when data keys are replaced", async (t) => {
  const fixture = await testVault(t);
  const { clock, key, path } = fixture;
  const vault = await fixture.open();
  await vault.exchangeCode({ code: fixture.code("ada@example.com"), externalId: "user-1" });
  await vault.callers.create("some", { allow: ["token"], grants: ["ext:user-1"] });
  await vault.callers.create("maker", { allow: ["token", "sessions"] });
  await vault.sessions.create("maker", { allow: ["token"], grants: ["ext:user-1"] });
  await vault.close();
  const keeper = await processOn(t, fixture);
  const { store, keyring } = keeper;
  const [grant] = await store.listGrants({ limit: 1 });
  assert.ok(grant !== undefined);
  const tokens = { refreshToken: new Secret("late"), expiresInSeconds: 1 };
  await keepLateAnswer(keeper, grant, { receivedAt: clock.now(), tokens }, "late-1");

  const raw = new DatabaseSync(path);
  t.after(() => raw.close());
  const sealed = (place: SealedPlace): Buffer => keyring.seal("text", place);
  // What a code leaves for a moment only.
  const intake = raw.prepare("SELECT code_hash, client_id FROM intakes").get() as Record<string, unknown>;
  const hash = Buffer.from(intake["code_hash"] as Uint8Array);
  const clientId = String(intake["client_id"]);
  raw
    .prepare("UPDATE intakes SET context_sealed = ?, answer_sealed = ?, assertion_sealed = ?")
    .run(...(["context", "answer", "assertion"] as const).map((each) => sealed(intakePlace(each, hash, clientId))));
  raw
    .prepare("INSERT INTO tickets (ticket_hash, context_sealed, issued_at) VALUES (?, ?, ?)")
    .run(hash, sealed(ticketPlace(hash)), clock.now());
  raw
    .prepare("INSERT INTO client_keys (issuer, client_id, key_sealed, created_at) VALUES (?, ?, ?, 0)")
    .run("https://id.example", clientId, sealed(clientKeyPlace("https://id.example", clientId)));
  raw
    .prepare(
      `INSERT INTO registered_clients (provider, server, client_id, registration_sealed, changed_at)
       VALUES ('tools', 'https://mcp.example/mcp', ?, ?, 0)`,
    )
    .run(clientId, sealed(registrationPlace("tools", "https://mcp.example/mcp", clientId)));

  await store.createConnect({
    connectHash: hash,
    askedSealed: sealed(connectPlace("asked", hash)),
    createdAt: clock.now(),
    expiresAt: clock.now() + 900_000,
  });
  await store.moveConnect(hash, null, { flowSealed: sealed(connectPlace("flow", hash)), stateHash: hash });

  const inSchema = raw
    .prepare(
      `SELECT s.name || '.' || c.name AS name FROM sqlite_schema s JOIN pragma_table_info(s.name) c
       WHERE s.type = 'table' AND c.name LIKE '%\\_sealed' ESCAPE '\\'`,
    )
    .all()
    .map(({ name }) => String(name));
  assert.deepEqual(inSchema.sort(), Object.values(columns).sort(), "a new column belongs to src/crypto/places.ts");
  const idsIn = (column: string): (number | undefined)[] => {
    const [table = "", name = ""] = column.split(".");
    const values = raw.prepare(`SELECT ${name} AS value FROM ${table} WHERE ${name} IS NOT NULL`).all();
    return values.map(({ value }) => sealedUnder(value as Uint8Array));
  };
  const before = { read: 2, refresh: 1 };
  const after = { read: 6, refresh: 5 };
  const classOf = (column: string): "read" | "refresh" =>
    sealedColumns[column as SealedColumn] === "read" ? "read" : "refresh";
  for (const [column, name] of Object.entries(columns)) {
    assert.ok(idsIn(name).length > 0, `${name} is empty: fill it here`);
    assert.deepEqual([...new Set(idsIn(name))], [before[classOf(column)]], name);
  }

  await rotateDataKeys(store, keyringFromKeys(key), { classes: ["refresh", "read"] });
  await keeper.keys?.look();
  await keeper.round();
  clock.advance(learnMs);
  await keeper.round();
  for (const [column, name] of Object.entries(columns)) {
    const wrong = `${name} is left under the old key: seal it anew in src/vault/keeper/keys/reseal-rows.ts`;
    assert.deepEqual([...new Set(idsIn(name))], [after[classOf(column)]], wrong);
  }
});
