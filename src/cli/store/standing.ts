import { storeEpoch } from "../../index.ts";
import type { Store } from "../../index.ts";
import { invalidRequest } from "../../core/errors.ts";
import { assertThere, withKeys } from "../open-vault.ts";
import { printJson, printLines, say } from "../terminal/print.ts";
import { settingsFrom, storeFrom } from "../../service/settings/config.ts";
import { settingsAmong } from "../flags.ts";

interface Flags {
  readonly json?: boolean;
}

/** Says whether the store stands still, and which keys of callers came back with the backup. It needs no master key. */
export async function status(flags: Flags): Promise<void> {
  const store = storeFrom(settingsFrom(settingsAmong(flags)));
  assertThere(store);
  await store.open({ migrate: false });
  try {
    const { epoch, standstill, restored } = await storeEpoch.standing(store);
    const callers = standstill === undefined ? [] : await callersOf(store);
    if (flags.json === true) {
      printJson({
        epoch,
        standing_still: standstill !== undefined,
        ...(standstill === undefined
          ? {}
          : { why: standstill.why, since: standstill.since, backup_at: standstill.backupAt, callers }),
        ...(restored === undefined ? {} : { restored_at: restored.at, restored_from: restored.backupAt }),
      });
      return;
    }
    if (standstill === undefined) {
      const before = restored === undefined ? "" : `; it was restored on ${restored.at.toISOString()}`;
      printLines([`${store.kind} ${store.location} does not stand still${before}`]);
      return;
    }
    printLines([
      `${store.kind} ${store.location} stands still since ${standstill.since.toISOString()}: ${why[standstill.why]}`,
      `it was last known to be itself ${standstill.backupAt === null ? "at a time that nobody knows" : `on ${standstill.backupAt.toISOString()}`}`,
      ...callers.map(
        ({ name, last_used_at: used }) => `caller ${name}, last used ${used === null ? "never" : used.toISOString()}`,
      ),
    ]);
    say("hint: keys of callers, sessions and handles that were ended since then work again: end them before you go on");
    say("hint: where it was restored, run onbehalf store restored; where it was only moved, onbehalf store moved");
  } finally {
    await store.close();
  }
}

const why = {
  restored: "it is as it was before, so a backup was restored",
  copied: "it is not where it was, so it was restored, copied or moved",
  told: "an operator has said that it was restored",
} as const;

async function callersOf(store: Store): Promise<{ name: string; last_used_at: Date | null }[]> {
  const rows = (await store.listCallers()).filter(({ revokedAt }) => revokedAt === null);
  return rows.map(({ name, lastUsedAt }) => ({
    name,
    last_used_at: lastUsedAt === null ? null : new Date(lastUsedAt),
  }));
}

/** Makes the store stand still: what is to be done first after a backup was restored. */
export async function mark(flags: Flags & { readonly backupOf?: string }): Promise<void> {
  const backupAt = flags.backupOf === undefined ? undefined : timeOf(flags.backupOf);
  const isNew = await withKeys(flags, ({ store, keyring }) => storeEpoch.markRestored(store, keyring, backupAt));
  if (flags.json === true) printJson({ standing_still: true, is_new: isNew });
  say(isNew ? "the store stands still from now on" : "the store stood still already");
}

/** Lets the store go on. */
export async function settle(
  outcome: "restored" | "moved",
  flags: Flags & { readonly endSessions?: boolean },
): Promise<void> {
  const { endSessions = false } = flags;
  const { grants, sessions } = await withKeys(flags, ({ store, keyring }) =>
    storeEpoch.settle(store, keyring, outcome, { endSessions }),
  );
  if (flags.json === true) printJson({ outcome, grants, sessions_ended: sessions });
  const looks = outcome === "moved" ? "" : `; ${grants} grants are looked at, one after the other`;
  const ended = endSessions ? `; ${sessions} sessions were ended` : "";
  say(`the store goes on${looks}${ended}`);
}

function timeOf(words: string): Date {
  const at = new Date(words);
  if (!Number.isNaN(at.getTime())) return at;
  throw invalidRequest(`${words} is no time`, "write it as 2026-11-27T03:00:00Z");
}
