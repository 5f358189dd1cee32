/** Reads the grants of a run out of its database, without a vault. */
import { setTimeout as sleep } from "node:timers/promises";
import { masterKeysOf } from "../../src/crypto/master-key.ts";
import type { Secret } from "../../src/core/secret.ts";
import { isOnbehalfError, keyringFromKeys } from "../../src/index.ts";
import type { GrantState, LapseReason } from "../../src/index.ts";
import { lateAnswers } from "../../src/vault/keeper/late-answers.ts";
import { openRefreshToken } from "../../src/vault/keeper/sealed-tokens.ts";
import { openStoreKeyring } from "../../src/vault/open/open-keyring.ts";
import type { RunDatabase } from "./database.ts";

/** A grant as it is in the database. */
export interface StoredGrant {
  readonly grantId: string;
  readonly state: GrantState;
  readonly reason: LapseReason | null;
  readonly since: number;
  readonly generation: number;
  /** The refresh token of the row, and those of the late answers beside it. */
  readonly refreshTokens: readonly string[];
}

/** A store that does not answer for so long is broken, and not only slow on a busy machine; milliseconds. */
const longestWaitMs = 60_000;

/** Opens no vault: a vault would finish what was left undone, and so change what is to be read. */
export async function storedGrants(database: RunDatabase, key: Secret): Promise<StoredGrant[]> {
  for (const end = Date.now() + longestWaitMs; ;) {
    try {
      return await readGrants(database, key);
    } catch (error) {
      // Many processes start at this moment. A database that is slow for that reason says nothing about grants.
      if (!isOnbehalfError(error, "store_unavailable") || Date.now() > end) throw error;
      await sleep(500);
    }
  }
}

async function readGrants(database: RunDatabase, key: Secret): Promise<StoredGrant[]> {
  const store = database.open();
  await store.open({ migrate: false });
  try {
    const keyring = await openStoreKeyring(store, await masterKeysOf(keyringFromKeys(key)));
    const grants: StoredGrant[] = [];
    for (const row of await store.listGrants({ limit: 1_000 })) {
      const late = await lateAnswers({ store, keyring, emit: () => undefined }, row);
      grants.push({
        grantId: row.grantId,
        state: row.state,
        reason: row.reason,
        since: row.stateSince,
        generation: row.generation,
        refreshTokens: [
          openRefreshToken(keyring, row)?.expose() ?? [],
          late.map(({ tokens }) => tokens.refreshToken.expose()),
        ].flat(),
      });
    }
    return grants;
  } finally {
    await store.close();
  }
}
