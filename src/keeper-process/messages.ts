/**
 * The messages between a keeper's process and the one that it works for, which go through a pipe between two processes of
 * one user. What either process does with a message does not belong here.
 */
import type { Authorization } from "../core/authorization.ts";
import { defined } from "../core/defined.ts";
import { OnbehalfError, isOnbehalfError } from "../core/errors.ts";
import type { AnyOnbehalfError, ErrorCode } from "../core/errors.ts";
import type { KeeperFigures } from "../core/figures.ts";
import type { HandedDownKeys } from "../core/handed-down-keys.ts";
import { Secret } from "../core/secret.ts";
import type { SpanFacts } from "../core/spans/spans.ts";
import type { ClientToRegister, Provider } from "../providers/provider.ts";
import type { AboutWork, VaultEvent } from "../vault/events.ts";
import type {
  CodeRequest,
  Deposited,
  DepositRequest,
  HeldCode,
  HeldCodeProof,
  Priority,
  RefreshOutcome,
  SeenGrant,
} from "../vault/keeper/keeper.ts";

/** A call of one of the keeper's verbs. */
export type KeeperRequest =
  | { readonly verb: "exchangeCode"; readonly provider: string; readonly request: CodeRequestMessage }
  | { readonly verb: "deposit"; readonly provider: string; readonly request: DepositMessage }
  | { readonly verb: "authorization"; readonly provider: string }
  | { readonly verb: "holdCode"; readonly provider: string; readonly request: CodeRequestMessage }
  | {
      readonly verb: "finishHeld";
      readonly provider: string;
      readonly held: HeldCodeMessage & HeldCodeProofMessage;
    }
  | { readonly verb: "discardHeld"; readonly provider: string; readonly held: HeldCodeMessage }
  | { readonly verb: "refresh"; readonly seen: SeenGrant; readonly priority: Priority }
  | { readonly verb: "readingKeys" }
  | { readonly verb: "figures" }
  | { readonly verb: "revoke"; readonly grantId: string; readonly principal?: CodeRequest["principal"] };

/**
 * What is sent to a keeper. `keys` and `no-keys` answer its `keys-wanted`.
 *
 * @typeParam Opening what this program's keeper needs to open its store
 */
export type ToKeeper<Opening> =
  | {
      readonly type: "open";
      /** Of the program that sends this: two versions may have other messages. */
      readonly version: string;
      readonly opening: Opening;
      /** Whether it is to tell of spans. */
      readonly spans: boolean;
    }
  /** `spans`: whether somebody keeps those of this request. */
  | { readonly type: "request"; readonly id: number; readonly request: KeeperRequest; readonly spans?: boolean }
  /** The master keys, newest first. */
  | { readonly type: "keys"; readonly keys: readonly string[] }
  | { readonly type: "no-keys"; readonly error: ErrorMessage };

/** What a process may know of the configuration that only its keeper reads whole. */
export interface ConfiguredMessage {
  /** The id of the client that each provider is used with, by the provider's name. */
  readonly clientIds: Readonly<Record<string, string>>;
  /** Providers without their secrets, for a process that does not read these itself. */
  readonly providers: readonly ProviderMessage[];
}

/** What the keeper sends. `answer` and `refusal` end the request that has the same id. */
export type FromKeeper =
  /** The configuration was read, and nothing is wrong with it. The store is not open yet, and may prove to be unusable. */
  | (ConfiguredMessage & { readonly type: "configured" })
  | (ConfiguredMessage & { readonly type: "ready" })
  | { readonly type: "failed"; readonly error: ErrorMessage }
  | {
      readonly type: "answer";
      readonly id: number;
      readonly value: string | OutcomeMessage | Deposited | Authorization | HandedDownKeys | KeeperFigures | null;
    }
  | { readonly type: "refusal"; readonly id: number; readonly error: ErrorMessage }
  | { readonly type: "event"; readonly event: VaultEvent; readonly about?: AboutWork }
  /** What was done, `of` the request of this id, or of its own accord. Told before the request's answer. */
  | { readonly type: "spans"; readonly spans: readonly SpanFacts[]; readonly of?: number }
  /** The keeper wants the master keys, which the other process reads. */
  | { readonly type: "keys-wanted" }
  | { readonly type: "fault"; readonly during: string; readonly error: FaultMessage; readonly about?: AboutWork };

/** A code request with its secrets in clear. */
export interface CodeRequestMessage {
  readonly code: string;
  readonly redirectUri?: string;
  readonly codeVerifier?: string;
  readonly nonce?: string;
  readonly isNonceOptional?: boolean;
  readonly isNonceUnknown?: boolean;
  readonly idempotencyKey?: string;
  readonly externalId?: string;
  readonly account?: string;
  readonly subject?: string;
  readonly moveExternalId: boolean;
  readonly scopes: readonly string[];
  readonly isPublic: boolean;
  readonly hold?: CodeRequest["hold"];
  readonly principal?: CodeRequest["principal"];
}

/** A held code as JSON can carry it: its hash is in hexadecimal. */
export interface HeldCodeMessage {
  readonly codeHash: string;
  readonly connect: string;
  readonly principal?: CodeRequest["principal"];
}

/** What releases it, in clear. */
export interface HeldCodeProofMessage {
  readonly codeVerifier: string;
  readonly returnCode?: string;
}

/** A deposit with its refresh token in clear. */
export type DepositMessage = Omit<DepositRequest, "refreshToken"> & { readonly refreshToken: string };

type Refreshed = RefreshOutcome & { readonly kind: "refreshed" };

/** The outcome of a refresh with its access token in clear. */
export type OutcomeMessage =
  Exclude<RefreshOutcome, Refreshed> | (Omit<Refreshed, "accessToken"> & { readonly accessToken: string });

/** An `OnbehalfError`. */
export interface ErrorMessage {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly details: object;
}

/** An unexpected error of the keeper, for a log. */
export interface FaultMessage {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
}

/** A request for the pipe. Its secrets are in clear there, and are wrapped again on the other side. */
export function toRequestMessage(request: CodeRequest): CodeRequestMessage {
  const { code, redirectUri, codeVerifier, nonce, idempotencyKey, externalId } = request;
  const { isNonceOptional, isNonceUnknown, account, subject, moveExternalId, scopes, isPublic, hold, principal } =
    request;
  return {
    code: code.expose(),
    ...defined({
      redirectUri,
      codeVerifier: codeVerifier?.expose(),
      nonce,
      isNonceOptional,
      isNonceUnknown,
      externalId,
      account,
      subject,
      hold,
      principal,
      idempotencyKey: idempotencyKey?.expose(),
    }),
    moveExternalId,
    scopes,
    isPublic,
  };
}

export function fromRequestMessage(message: CodeRequestMessage): CodeRequest {
  const { code, redirectUri, codeVerifier, nonce, idempotencyKey, externalId } = message;
  const {
    isNonceOptional = false,
    isNonceUnknown = false,
    account,
    subject,
    moveExternalId,
    scopes,
    isPublic,
    hold,
    principal,
  } = message;
  return {
    code: new Secret(code),
    redirectUri,
    codeVerifier: codeVerifier === undefined ? undefined : new Secret(codeVerifier),
    nonce,
    isNonceOptional,
    isNonceUnknown,
    idempotencyKey: idempotencyKey === undefined ? undefined : new Secret(idempotencyKey),
    externalId,
    account,
    subject,
    moveExternalId,
    scopes,
    isPublic,
    hold,
    principal,
  };
}

export function toDepositMessage(request: DepositRequest): DepositMessage {
  return { ...request, refreshToken: request.refreshToken.expose() };
}

export function fromDepositMessage(message: DepositMessage): DepositRequest {
  return { ...message, refreshToken: new Secret(message.refreshToken) };
}

export function toHeldMessage({ codeHash, connect, principal }: HeldCode): HeldCodeMessage {
  return { codeHash: Buffer.from(codeHash).toString("hex"), connect, ...defined({ principal }) };
}

export function fromHeldMessage({ codeHash, connect, principal }: HeldCodeMessage): HeldCode {
  return { codeHash: Buffer.from(codeHash, "hex"), connect, principal };
}

export function toProofMessage({ codeVerifier, returnCode }: HeldCodeProof): HeldCodeProofMessage {
  return { codeVerifier: codeVerifier.expose(), ...defined({ returnCode: returnCode?.expose() }) };
}

export function fromProofMessage({ codeVerifier, returnCode }: HeldCodeProofMessage): HeldCodeProof {
  return {
    codeVerifier: new Secret(codeVerifier),
    returnCode: returnCode === undefined ? undefined : new Secret(returnCode),
  };
}

export function toOutcomeMessage(outcome: RefreshOutcome): OutcomeMessage {
  return outcome.kind === "refreshed" ? { ...outcome, accessToken: outcome.accessToken.expose() } : outcome;
}

export function fromOutcomeMessage(message: OutcomeMessage): RefreshOutcome {
  return message.kind === "refreshed" ? { ...message, accessToken: new Secret(message.accessToken) } : message;
}

export function toErrorMessage({ code, message, hint, details }: AnyOnbehalfError): ErrorMessage {
  return { code, message, hint, details };
}

/** The same error in this process. The keeper runs the same version of this program, so it knows the same codes. */
export function fromErrorMessage({ code, message, hint, details }: ErrorMessage): OnbehalfError {
  return new OnbehalfError(code as ErrorCode, message, { hint, details });
}

/** Tells a keeper that the master keys cannot be had. What another error says may repeat a secret. */
export function noKeysMessage(error: unknown): ToKeeper<never> & { type: "no-keys" } {
  const told = isOnbehalfError(error) ? error : keySourceFailed;
  return { type: "no-keys", error: toErrorMessage(told) };
}

const keySourceFailed = new OnbehalfError("key_invalid", "the source of the master key failed", {
  hint: "look at what onFault was told, and correct what keyring calls",
  details: {},
});

export function toFaultMessage(error: unknown): FaultMessage {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const { code } = error as NodeJS.ErrnoException;
  return { name: error.name, message: error.message, ...defined({ code, stack: error.stack }) };
}

export function fromFaultMessage({ name, message, code, stack }: FaultMessage): Error {
  return Object.assign(new Error(message), { name, ...defined({ code, stack }) });
}

/** A provider's record without the secrets of its client, as JSON can carry it. */
export type ProviderMessage = Omit<Provider, "client" | "clientAuthentication" | "clientProject"> & {
  readonly client: { readonly clientId: string } | { readonly register: ClientToRegister };
  readonly clientProject?: string;
};

export function toProviderMessage(provider: Provider, clientId: string): ProviderMessage {
  // How the client authenticates fits what it authenticates with, which stays here.
  const { clientAuthentication: _kept, clientProject, client: given, ...rest } = provider;
  const client = given !== "none" && "register" in given ? given : { clientId };
  return { ...rest, client, ...defined({ clientProject: clientProject?.source }) };
}

export function fromProviderMessage({ clientProject, ...rest }: ProviderMessage): Provider {
  return {
    ...rest,
    ...defined({ clientProject: clientProject === undefined ? undefined : new RegExp(clientProject) }),
  };
}

/** For whose request the keeper is asked. */
export function aboutRequest(request: KeeperRequest): AboutWork | undefined {
  const asked =
    "seen" in request
      ? request.seen
      : "held" in request
        ? request.held
        : "request" in request
          ? request.request
          : request;
  const requestId = "principal" in asked ? asked.principal?.requestId : undefined;
  return typeof requestId === "string" ? { requestId } : undefined;
}
