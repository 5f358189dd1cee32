import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { keyClasses } from "../../src/crypto/keyring.ts";
import type { KeyClass } from "../../src/crypto/keyring.ts";
import { keyringFromKeys } from "../../src/index.ts";
import type { Secret, VaultEvent } from "../../src/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import type { KeeperContext } from "../../src/vault/keeper/context.ts";
import { replaceKeys } from "../../src/vault/keeper/keys/replace-keys.ts";
import { closeContext, openContext } from "../../src/vault/open/open-context.ts";
import type { TestVault } from "./test-vault.ts";

/** A process of its own, as far as its keys go. */
export async function processOn(
  t: TestContext,
  fixture: TestVault,
  classes: readonly KeyClass[] = keyClasses,
  ...masters: readonly Secret[]
): Promise<KeeperContext & { readonly events: VaultEvent[]; round(): Promise<void> }> {
  const events: VaultEvent[] = [];
  const shared = await openContext(
    {
      provider: fixture.provider,
      store: sqlite(fixture.path),
      keyring: keyringFromKeys(...(masters.length === 0 ? [fixture.key] : masters)),
      clock: fixture.clock,
      onEvent: (event) => events.push(event),
    },
    classes,
  );
  t.after(() => closeContext(shared));
  const context = {
    ...shared,
    sleep: async () => undefined,
    events,
    running: new Set<string>(),
    gates: new Map(),
    rescue: { keep: async () => undefined, drop: () => undefined, kept: () => [], count: () => 0 },
    refresh: async () => assert.fail("nothing is refreshed"),
  } as unknown as KeeperContext & { readonly events: VaultEvent[] };
  const replace = replaceKeys(context);
  return Object.assign(context, { round: async () => replace(new AbortController().signal) });
}
