import type { Vault } from "./vault.ts";
import type { Handles } from "./vault/http/handles.ts";

/**
 * What a vault of this process and a remote one, `openRemoteVault` of `onbehalf/client`, have in common: take this type where either
 * will do.
 */
export type VaultVerbs = Pick<
  Vault,
  | "exchangeCode"
  | "createTicket"
  | "deposit"
  | "beginConnect"
  | "finishConnect"
  | "connectStatus"
  | "probe"
  | "getAccessToken"
  | "peekAccessToken"
  | "fetch"
  | "revoke"
  | "grant"
  | "grants"
  | "events"
  | "ping"
  | "close"
  | typeof Symbol.asyncDispose
> & { readonly handles: Pick<Handles, "create" | "list" | "revoke"> };
