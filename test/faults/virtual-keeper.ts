import { randomUUID } from "node:crypto";
import type { TestContext } from "node:test";
import { keyClasses } from "../../src/crypto/keyring.ts";
import { masterKeysOf } from "../../src/crypto/master-key.ts";
import { generateMasterKey, google, keyringFromKeys, Secret } from "../../src/index.ts";
import type { Provider, VaultEvent } from "../../src/index.ts";
import { HttpProtocol } from "../../src/oauth/protocol.ts";
import { boundedFetchDefaults } from "../../src/oauth/bounded-fetch.ts";
import { newGrant } from "../../src/store/new-grant.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import type { GrantRow } from "../../src/store/grant-row.ts";
import type { Store } from "../../src/store/store.ts";
import type { BucketSize } from "../../src/core/token-bucket.ts";
import { loadClient } from "../../src/vault/open/registered-client.ts";
import type { KeeperContext } from "../../src/vault/keeper/context.ts";
import { Gate } from "../../src/vault/keeper/gate/gate.ts";
import { noRescue } from "../../src/vault/keeper/refresh/rescue-journal.ts";
import { subjectHash } from "../../src/crypto/keyring.ts";
import { sealPerson } from "../../src/vault/grants/sealed-grant.ts";
import type { Priority, RefreshOutcome } from "../../src/vault/keeper/keeper.ts";
import { refreshGrant } from "../../src/vault/keeper/refresh/refresh-grant.ts";
import { sealTokens } from "../../src/vault/keeper/sealed-tokens.ts";
import { openStoreKeyring } from "../../src/vault/open/open-keyring.ts";
import { VirtualTime } from "./virtual-time.ts";

/** What the provider does with a request for new tokens. */
export type Answering = (refreshToken: string) => Response | "no connection";

/** A keeper's context in virtual time: its store is in memory, and a function behind the fetch seam plays the provider. */
export interface VirtualKeeper {
  readonly time: VirtualTime;
  readonly context: KeeperContext;
  readonly store: Store;
  readonly events: VaultEvent[];
  /** When each request reached the token endpoint, and which refresh token it carried. */
  readonly requests: { readonly at: number; readonly refreshToken: string }[];
  /** From now on. */
  answer: Answering;
  /** Grants whose access tokens end at `expiresAt`. Returns their ids, in order. */
  addGrants(grants: number, expiresAt: (n: number) => number): Promise<string[]>;
}

const latencyMs = 150;

export async function virtualKeeper(
  t: TestContext,
  { rotation, rate }: { readonly rotation: Provider["rotation"]; readonly rate: BucketSize },
): Promise<VirtualKeeper> {
  const time = new VirtualTime("2026-11-22T00:00:00Z");
  const provider: Provider = { ...google({ clientId: "1-a.apps.example", clientSecret: "none" }), rotation };
  const store = sqlite(":memory:");
  await store.open({ clock: time });
  t.after(() => store.close());
  const keyring = await openStoreKeyring(store, await masterKeysOf(keyringFromKeys(generateMasterKey())), keyClasses);
  const events: VaultEvent[] = [];
  const requests: { at: number; refreshToken: string }[] = [];
  let chance = 1;
  const random = (): number => (chance = (chance * 48_271) % 2_147_483_647) / 2_147_483_647;
  const sleep = (ms: number): Promise<void> => time.sleep(ms);

  const fixture: VirtualKeeper = {
    time,
    store,
    events,
    requests,
    answer: tokens,
    context: undefined as unknown as KeeperContext,
    async addGrants(grants, expiresAt) {
      const ids: string[] = [];
      for (let n = 0; n < grants; n++) {
        const row = newRow(n, expiresAt(n));
        await store.saveFromIntake(row, null, new Uint8Array());
        ids.push(row.grantId);
      }
      return ids;
    },
  };
  const send: typeof fetch = async (_, init) => {
    const form = init?.body instanceof URLSearchParams ? init.body : new URLSearchParams();
    const refreshToken = form.get("refresh_token") ?? "";
    requests.push({ at: time.now(), refreshToken });
    await time.sleep(latencyMs);
    const answer = fixture.answer(refreshToken);
    if (answer !== "no connection") return answer;
    throw new TypeError("fetch failed", { cause: Object.assign(new Error("refused"), { code: "ECONNREFUSED" }) });
  };
  const protocol = new HttpProtocol(provider, loadClient(provider), { ...boundedFetchDefaults, fetch: send }, time);
  const context: KeeperContext = {
    store,
    keyring,
    clock: time,
    random,
    sleep,
    fetch: send,
    protocols: new Map([[provider.name, protocol]]),
    owner: { node: "here", pid: 1, startedAt: "1", vault: randomUUID() },
    livenessOf: async () => "mine",
    auditName: "@test",
    audit: "callers",
    emit: (event) => events.push(event),
    onFault: (error) => {
      throw error;
    },
    running: new Set(),
    gates: new Map([[provider.name, new Gate({ clock: time, random, sleep }, rate)]]),
    rescue: noRescue,
    refresh: (seen, priority) => refreshGrant(context, seen, priority),
  };

  function newRow(n: number, accessExpiresAt: number): GrantRow {
    const identity = { grantId: `g_${String(n).padStart(8, "0")}`, clientId: "1-a.apps.example" };
    const life = 3_600;
    const tokens = {
      accessToken: new Secret(`access-${n}`),
      refreshToken: new Secret(`refresh-${n}-0`),
      expiresInSeconds: life,
    };
    return {
      ...identity,
      ...sealTokens(
        { keyring },
        identity,
        1,
        { tokens, receivedAt: accessExpiresAt - life * 1000 },
        { scope: "openid", lostScope: "" },
        undefined,
      ),
      provider: provider.name,
      issuer: provider.issuer,
      identityMac: null,
      subjectHash: subjectHash(keyring, provider.issuer, String(n)),
      profileSealed: sealPerson(keyring, identity, { profile: { sub: String(n) }, externalIds: [] }),
      ...newGrant,
      stateSince: time.now(),
      createdAt: time.now(),
      updatedAt: time.now(),
    };
  }

  return Object.assign(fixture, { context });
}

/** Refreshes the first generation of a grant as it stands. */
export async function refresh(
  context: KeeperContext,
  grantId: string,
  priority: Priority = "interactive",
): Promise<RefreshOutcome> {
  const row = await context.store.grantById(grantId);
  if (row === undefined) throw new Error(`${grantId} is not in the store`);
  return refreshGrant(context, { ...row, generation: 1 }, priority);
}

/** A provider that works; it gives a new refresh token with every answer. */
export function tokens(refreshToken: string): Response {
  const [, n, generation] = refreshToken.split("-");
  return Response.json({
    access_token: `access-${n}-${Number(generation) + 1}`,
    refresh_token: `refresh-${n}-${Number(generation) + 1}`,
    expires_in: 3_600,
    token_type: "Bearer",
  });
}

/** The most requests in any one second. */
export function peak(requests: readonly { readonly at: number }[]): number {
  let most = 0;
  for (let first = 0, last = 0; last < requests.length; last++) {
    while ((requests[last]?.at ?? 0) - (requests[first]?.at ?? 0) >= 1_000) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
