import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { subjectHash } from "../../../src/crypto/keyring.ts";
import { newWrappedKeys, openKeyring } from "../../../src/crypto/wrapped-keys.ts";
import { masterKeysOf } from "../../../src/crypto/master-key.ts";
import { generateMasterKey, keyringFromKeys } from "../../../src/index.ts";
import { grant as storedGrant } from "../../../src/store/suite/rows.ts";
import type { Tie } from "../../../src/core/grant.ts";
import { grantOf, openPerson } from "../../../src/vault/grants/sealed-grant.ts";

const profile = { sub: "1", email: "ada@example.com" };

const tie = (externalId: string, account = profile.sub): Tie => ({ externalId, account });
const made = { sub: "google:user-1" };

for (const [name, sealed, externalIds] of [
  ["with an external id", { profile, externalId: "user-1" }, [tie("user-1")]],
  ["without one", { profile }, []],
  ["with several", { profile, externalIds: ["user-1", "user-2"] }, [tie("user-1"), tie("user-2")]],
  [
    "with labels",
    { profile, externalIds: [tie("user-1", "work"), tie("user-2")] },
    [tie("user-1", "work"), tie("user-2")],
  ],
  ["with a subject made of an external id", { profile: made, externalIds: ["user-1"] }, [tie("user-1", "default")]],
] as const) {
  test(`a profile is read as it was sealed ${name}, by this version or an earlier one`, async () => {
    const masters = await masterKeysOf(keyringFromKeys(generateMasterKey()));
    const instance = randomUUID();
    const keyring = openKeyring(instance, newWrappedKeys(instance, masters[0]), masters);
    const given = storedGrant();
    const row = { ...given, subjectHash: subjectHash(keyring, given.issuer, sealed.profile.sub) };
    const place = { clientId: row.clientId, column: "grants.profile", recordId: row.grantId, generation: 0 } as const;
    const stored = { ...row, profileSealed: keyring.seal(JSON.stringify(sealed), place) };
    assert.deepEqual(openPerson(keyring, stored), { profile: sealed.profile, externalIds });
    const asked = (by: Partial<Tie>): readonly unknown[] => {
      const { externalId, account } = grantOf(keyring, stored, by);
      return [externalId, account];
    };
    const [first, second = first] = externalIds;
    assert.deepEqual(asked({}), [first?.externalId, first?.account]);
    assert.deepEqual(asked({ externalId: "user-2" }), [second?.externalId, second?.account]);
    assert.deepEqual(asked({ externalId: "user-1", account: "work" }), [first?.externalId, first?.account]);
  });
}
