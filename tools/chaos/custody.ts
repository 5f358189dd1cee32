import { masterKeysOf } from "../../src/crypto/master-key.ts";
import type { Secret } from "../../src/secret.ts";
import { keyringFromKeys, systemClock } from "../../src/index.ts";
import type { GrantState, LapseReason } from "../../src/index.ts";
import { orphanAnswers } from "../../src/vault/orphans.ts";
import { openRefreshToken } from "../../src/vault/sealed-grant.ts";
import { unlock } from "../../src/vault/unlock.ts";
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

/** Reads what is stored, without a vault: one would finish what was left undone, and this is about what is there. */
export async function storedGrants(database: RunDatabase, key: Secret): Promise<StoredGrant[]> {
  const store = database.open();
  await store.open({ clock: systemClock, migrate: false });
  try {
    const keyring = await unlock(store, await masterKeysOf(keyringFromKeys(key)));
    const rows = await store.listGrants({ limit: 1_000 });
    return await Promise.all(
      rows.map(async (row) => ({
        grantId: row.grantId,
        state: row.state,
        reason: row.reason,
        since: row.stateSince,
        generation: row.generation,
        refreshTokens: [
          openRefreshToken(keyring, row)?.expose() ?? [],
          (await orphanAnswers({ store, keyring }, row)).map(({ refreshToken }) => refreshToken.expose()),
        ].flat(),
      })),
    );
  } finally {
    await store.close();
  }
}
