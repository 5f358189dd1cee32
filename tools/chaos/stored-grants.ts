import { setTimeout as sleep } from "node:timers/promises";
import { masterKeysOf } from "../../src/crypto/master-key.ts";
import type { Secret } from "../../src/core/secret.ts";
import { isOnbehalfError, keyringFromKeys } from "../../src/index.ts";
import type { GrantState, LapseReason } from "../../src/index.ts";
import { lateAnswers } from "../../src/vault/keeper/refresh/late-answers.ts";
import { openRefreshToken } from "../../src/vault/keeper/sealed-tokens.ts";
import { openStoreKeyring } from "../../src/vault/open/open-keyring.ts";
import type { RunDatabase } from "./database.ts";

/** A grant as it was found in the database after everything had ended. */
export interface StoredGrant {
  readonly grantId: string;
  readonly state: GrantState;
  readonly reason: LapseReason | null;
  readonly since: number;
  readonly generation: number;
  /** The refresh token of the row, and those of answers that came too late for it. */
  readonly refreshTokens: readonly string[];
}

/** A store that does not answer for so long is no mere overload of this machine, milliseconds. */
const patienceMs = 60_000;

/** Reads what is stored, without a vault: one would finish what was left undone, and this is about what is there. */
export async function storedGrants(database: RunDatabase, key: Secret): Promise<StoredGrant[]> {
  for (const end = Date.now() + patienceMs; ;) {
    try {
      return await readGrants(database, key);
    } catch (error) {
      // Every process is starting again at this moment: that the database is slow says nothing about grants.
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
      const late = await lateAnswers({ store, keyring }, row);
      grants.push({
        grantId: row.grantId,
        state: row.state,
        reason: row.reason,
        since: row.stateSince,
        generation: row.generation,
        refreshTokens: [
          openRefreshToken(keyring, row)?.expose() ?? [],
          late.map(({ refreshToken }) => refreshToken.expose()),
        ].flat(),
      });
    }
    return grants;
  } finally {
    await store.close();
  }
}
