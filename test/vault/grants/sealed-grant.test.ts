import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { subjectHash } from "../../../src/crypto/keyring.ts";
import { newWrappedKeys, openKeyring } from "../../../src/crypto/wrapped-keys.ts";
import { masterKeysOf } from "../../../src/crypto/master-key.ts";
import { generateMasterKey, keyringFromKeys } from "../../../src/index.ts";
import { grant as storedGrant } from "../../../src/store/suite/rows.ts";
import { grantOf, openPerson } from "../../../src/vault/grants/sealed-grant.ts";

const profile = { sub: "1", email: "ada@example.com" };

for (const [name, sealed, externalIds] of [
  ["with an external id", { profile, externalId: "user-1" }, ["user-1"]],
  ["without one", { profile }, []],
  ["with several", { profile, externalIds: ["user-1", "user-2"] }, ["user-1", "user-2"]],
] as const) {
  test(`a profile is read as it was sealed ${name}, by this version or an earlier one`, async () => {
    const masters = await masterKeysOf(keyringFromKeys(generateMasterKey()));
    const instance = randomUUID();
    const keyring = openKeyring(instance, newWrappedKeys(instance, masters[0]), masters);
    const given = storedGrant();
    const row = { ...given, subjectHash: subjectHash(keyring, given.issuer, profile.sub) };
    const place = { clientId: row.clientId, column: "grants.profile", recordId: row.grantId, generation: 0 } as const;
    const stored = { ...row, profileSealed: keyring.seal(JSON.stringify(sealed), place) };
    assert.deepEqual(openPerson(keyring, stored), { profile, externalIds });
    assert.equal(grantOf(keyring, stored).externalId, externalIds[0]);
    assert.equal(grantOf(keyring, stored, "user-2").externalId, externalIds.length === 2 ? "user-2" : externalIds[0]);
  });
}
