/** A database with grants whose access tokens are valid for a day, of which the provider knows nothing. */
import { cp } from "node:fs/promises";
import { keyClasses } from "../src/crypto/keyring.ts";
import { generateMasterKey, google, keyringFromKeys, openVault } from "../src/index.ts";
import type { Provider, Vault, VaultOptions } from "../src/index.ts";
import type { Permission } from "../src/vault/http/caller.ts";
import type { Store } from "../src/store/store.ts";
import { closeContext, openContext } from "../src/vault/open/open-context.ts";
import { externalIdOf, fillGrants, grantIdOf, subjectOf } from "../tools/key-rotation/fill.ts";
import type { Filling } from "../tools/key-rotation/fill.ts";

/** Nobody listens there: what these suites measure asks no provider. */
const nobody = "http://127.0.0.1:9";
const client = { clientId: "bench-client", clientSecret: "bench-secret" };

export interface FilledStore {
  /** The value of `ONBEHALF_STORE`. */
  readonly setting: string;
  readonly masterKey: string;
  /** A caller's key, with the permission `token`. */
  readonly callerKey: string;
  readonly grants: number;
  /** Where the provider is; by default nobody listens there. */
  readonly baseUrl?: string;
  /** Whether each refresh token is good once, and its second use ends all that came from it. */
  readonly isRotating?: boolean;
}

function recordOf({ baseUrl = nobody, isRotating = false }: Pick<FilledStore, "baseUrl" | "isRotating">): Provider {
  return { ...google({ ...client, baseUrl }), ...(isRotating ? { rotation: "strict" } : {}) };
}

/**
 * @param open opens the store that `setting` names; it must be empty
 * @param provider a provider that knows these grants, whose access tokens have then ended; none by default
 * @param allow what the caller may do whose key is made
 */
export async function fillStore(
  setting: string,
  open: () => Store,
  grants: number,
  provider: Pick<FilledStore, "baseUrl" | "isRotating"> & Pick<Filling, "isNamed"> = {},
  allow: readonly Permission[] = ["token"],
): Promise<FilledStore> {
  const record = recordOf(provider);
  const masterKey = generateMasterKey();
  const options = { provider: record, keyring: keyringFromKeys(masterKey) };
  const vault = await openVault({ ...options, store: open() });
  const { key } = await vault.callers.create("bench", { allow });
  await vault.close();
  const context = await openContext({ ...options, store: open() }, keyClasses);
  const keyring = context.keys?.keyring;
  if (keyring === undefined) throw new Error("the store has no keyring");
  await fillGrants(setting, keyring, grants, {
    clientId: client.clientId,
    issuer: record.issuer,
    isExpired: provider.baseUrl !== undefined,
    isNamed: provider.isNamed === true,
  });
  await closeContext(context);
  return { setting, masterKey: masterKey.expose(), callerKey: key.expose(), grants, ...provider };
}

/** The same in a file of its own, for a process whose changes must not reach the others. */
export async function copyOf(filled: FilledStore, path: string): Promise<FilledStore> {
  await cp(filled.setting.slice("sqlite:".length), path);
  return { ...filled, setting: `sqlite:${path}` };
}

/** Opens a vault over it in this process. */
export function vaultOver(
  { masterKey, ...provider }: Pick<FilledStore, "masterKey" | "baseUrl" | "isRotating">,
  store: Store,
  options: Partial<VaultOptions> = {},
): Promise<Vault> {
  return openVault({ provider: recordOf(provider), keyring: keyringFromKeys(masterKey), store, ...options });
}

/** Settings of a service over it. */
export function settingsOf({ setting, masterKey, baseUrl = nobody, isRotating }: FilledStore): NodeJS.ProcessEnv {
  return {
    ONBEHALF_STORE: setting,
    ONBEHALF_KEY: masterKey,
    ONBEHALF_CLIENT_ID: client.clientId,
    ONBEHALF_CLIENT_SECRET: client.clientSecret,
    ONBEHALF_GOOGLE_BASE_URL: baseUrl,
    ...(isRotating === true ? { ONBEHALF_ROTATION: "strict" } : {}),
  };
}

/** How a grant is named in a request, by the kind of name. */
export const referenceOf = {
  id: grantIdOf,
  "ext:": (n: number): string => `ext:${externalIdOf(n)}`,
  "sub:": (n: number): string => `sub:${subjectOf(n)}`,
};
