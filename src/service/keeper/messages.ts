import { OnbehalfError, Secret } from "../../index.ts";
import type { AnyOnbehalfError, CodeRequest, ErrorCode, RefreshOutcome, Priority, VaultEvent } from "../../index.ts";
import type { Settings } from "../settings/config.ts";

/** What the service asks of its keeper. The channel is a pipe between two processes of one user. */
export type KeeperRequest =
  | { readonly verb: "exchangeCode"; readonly provider: string; readonly request: WireCodeRequest }
  | { readonly verb: "refresh"; readonly grantId: string; readonly generation: number; readonly priority: Priority }
  | { readonly verb: "revoke"; readonly grantId: string };

export type ToKeeper =
  | { readonly type: "open"; readonly settings: Settings; readonly migrate: boolean }
  | { readonly type: "request"; readonly id: number; readonly request: KeeperRequest };

export type FromKeeper =
  | { readonly type: "ready" }
  | { readonly type: "failed"; readonly error: WireError }
  | { readonly type: "answer"; readonly id: number; readonly value: string | WireOutcome | null }
  | { readonly type: "refusal"; readonly id: number; readonly error: WireError }
  | { readonly type: "event"; readonly event: VaultEvent };

export interface WireCodeRequest {
  readonly code: string;
  readonly redirectUri?: string;
  readonly codeVerifier?: string;
  readonly nonce?: string;
  readonly externalId?: string;
  readonly scopes: readonly string[];
}

export type WireOutcome =
  | Exclude<RefreshOutcome, { kind: "held-in-memory" }>
  | { readonly kind: "held-in-memory"; readonly accessToken: string; readonly expiresAt: number };

export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly details: object;
}

/** Secrets are laid open here, for the pipe alone, and wrapped again on the other side. */
export function requestToWire({
  code,
  redirectUri,
  codeVerifier,
  nonce,
  externalId,
  scopes,
}: CodeRequest): WireCodeRequest {
  return {
    code: code.expose(),
    ...(redirectUri === undefined ? {} : { redirectUri }),
    ...(codeVerifier === undefined ? {} : { codeVerifier: codeVerifier.expose() }),
    ...(nonce === undefined ? {} : { nonce }),
    ...(externalId === undefined ? {} : { externalId }),
    scopes,
  };
}

export function requestFromWire(wire: WireCodeRequest): CodeRequest {
  return {
    code: new Secret(wire.code),
    redirectUri: wire.redirectUri,
    codeVerifier: wire.codeVerifier === undefined ? undefined : new Secret(wire.codeVerifier),
    nonce: wire.nonce,
    externalId: wire.externalId,
    scopes: wire.scopes,
  };
}

export function outcomeToWire(outcome: RefreshOutcome): WireOutcome {
  return outcome.kind === "held-in-memory" ? { ...outcome, accessToken: outcome.accessToken.expose() } : outcome;
}

export function outcomeFromWire(wire: WireOutcome): RefreshOutcome {
  return wire.kind === "held-in-memory" ? { ...wire, accessToken: new Secret(wire.accessToken) } : wire;
}

export function errorToWire({ code, message, hint, details }: AnyOnbehalfError): WireError {
  return { code, message, hint, details };
}

/** The same error on this side. The keeper is of this very version, so its codes are ours. */
export function errorFromWire({ code, message, hint, details }: WireError): OnbehalfError {
  return new OnbehalfError(code as ErrorCode, message, { hint, details });
}
