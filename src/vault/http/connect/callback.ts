import { isOtherIssuer, shownProviderError } from "../../../core/connect.ts";
import { defined } from "../../../core/defined.ts";
import { isOnbehalfError } from "../../../core/errors.ts";
import { isSameServer } from "../../../core/issuer.ts";
import type { IssuerNames } from "../../../core/issuer.ts";
import type { ErrorCode, OnbehalfError } from "../../../core/errors.ts";
import { challengeOf } from "../../../crypto/code-challenge.ts";
import { codeHash } from "../../../crypto/keyring.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import { codeRequest } from "../../keeper/codes/code-request.ts";
import type { CodeRequest } from "../../keeper/keeper.ts";
import { hasNonce } from "./authorization-request.ts";
import { stateOf } from "./finish-connect.ts";
import { linkByState, principalOf, returnCodeOf, sealFlow, stateHash } from "./link.ts";
import type { Flow, Link } from "./link.ts";
import { shownReason } from "./shown-reason.ts";
import type { ConnectParts } from "./parts.ts";

/** What the provider's redirect brought. */
export interface Answer {
  readonly code: string | undefined;
  readonly error: string | undefined;
  readonly iss: string | undefined;
}

/** How a sign-in came to its end: what is added to the return URL. */
export interface Result {
  readonly status: "finished" | "pending" | "error";
  readonly error?: string;
  /** In `pending` only, where the link wants it. */
  readonly returnCode?: string;
}

/** How long the person waits for a provider, a store or a keeper that does not answer just now, milliseconds. */
const patienceMs = 8_000;
/** The longest single wait, milliseconds. */
const longestWaitMs = 2_000;
/** How often a link is read again whose code another request has brought, milliseconds. */
const pollMs = 200;

/** Errors after which the same code may still be exchanged. */
const passing: ReadonlySet<ErrorCode> = new Set(["provider_unavailable", "keeper_unavailable", "store_unavailable"]);

/**
 * Takes a provider's answer for a link that is open in this browser, and says how it ended. The code is exchanged at once:
 * it may live for thirty seconds. The same answer again gives the same result; another code is not used.
 *
 * @throws {OnbehalfError} what is no fault of the link: `store_unavailable`, `keeper_unavailable`
 */
export async function takeAnswer(parts: ConnectParts, protocol: Protocol, link: Link, answer: Answer): Promise<Result> {
  const { flow, asked } = link;
  if (link.status !== "waiting" || flow === undefined) return resultOf(parts, link);
  const { provider } = protocol;
  const { issuer, sendsIssuer, clientId } = flow;
  // Before anything of the answer is used: another server could have it brought here to get this provider's code.
  const others = otherServers(parts, protocol, flow.url, answer.iss);
  if (isOtherIssuer({ ...issuersOf(protocol, issuer), sendsIssuer, others }, answer.iss))
    return fail(parts, link, "issuer_mismatch");
  if (answer.error !== undefined) return fail(parts, link, shownProviderError(answer.error));
  if (answer.code === undefined) return fail(parts, link, "provider_error");
  let request: CodeRequest;
  try {
    request = requestOf(protocol, link, flow, answer.code);
  } catch (error) {
    if (isOnbehalfError(error, "invalid_request")) return fail(parts, link, "code_rejected");
    throw error;
  }
  const hash = codeHash(parts.context.keyring, clientId, request.code.expose()).toString("hex");
  const taken = await take(parts, link, flow, hash);
  if (taken === undefined) return resultOf(parts, await settled(parts, flow.state, link));
  return exchange(parts, provider.name, taken, asked.challenge === undefined ? request : held(parts, taken, request));
}

/** How a link that has been answered before ended, or stands. */
async function resultOf(parts: ConnectParts, link: Link): Promise<Result> {
  const state = await stateOf(parts, link);
  switch (state.status) {
    case "finished":
    case "pending":
      return { status: state.status };
    case "failed":
      return { status: "error", error: state.error ?? "provider_error" };
    case "expired":
      return { status: "error", error: "connect_expired" };
    case "waiting":
      return { status: "error", error: "provider_unavailable" };
  }
}

/** What the provider's record says of its issuer; of one that was found out, what was found. */
function issuersOf(
  { provider }: Protocol,
  issuer: string,
): Pick<Protocol["provider"], "issuer" | "alsoIssuedAs" | "isIssuerOurs"> {
  return provider.server === undefined ? provider : { issuer };
}

/** The other providers, unless the issuer that an answer names is the very server that was asked: it may have two records. */
function otherServers(
  { context }: ConnectParts,
  protocol: Protocol,
  asked: string,
  iss: string | undefined,
): readonly IssuerNames[] {
  if (isSameServer(asked, iss)) return [];
  const others = [...context.protocols.values()].filter((other) => other !== protocol);
  return others.map(({ provider }) => provider).filter(({ isIssuerOurs }) => isIssuerOurs !== true);
}

async function fail(parts: ConnectParts, { row, asked }: Link, error: string): Promise<Result> {
  const { store, clock } = parts.context;
  await store.endConnect(row.connectHash, clock.now(), error, asked.grantId ?? null);
  return { status: "error", error };
}

function requestOf({ provider }: Protocol, { asked }: Link, flow: Flow, code: string): CodeRequest {
  const { redirectUri, codeVerifier, nonce, scopes } = flow;
  const request = codeRequest(
    {
      code,
      source: "web-redirect",
      redirectUri,
      codeVerifier,
      externalId: asked.externalId,
      ...defined({ account: asked.account }),
      scopes,
      ...(hasNonce(provider) ? { nonce } : {}),
    },
    provider,
  );
  return { ...request, principal: principalOf(asked), ...defined({ subject: asked.subject }) };
}

function held({ context }: ConnectParts, { row, asked }: Link, request: CodeRequest): CodeRequest {
  const { connectHash, expiresAt } = row;
  const { challenge = "", connectId, returnCodeRequired } = asked;
  const connect = Buffer.from(connectHash).toString("hex");
  const hold = { connect, challenge, until: expiresAt };
  if (returnCodeRequired !== true) return { ...request, hold };
  return { ...request, hold: { ...hold, returnChallenge: challengeOf(returnCodeOf(context.keyring, connectId)) } };
}

/**
 * Notes which code the link has brought. One that comes after it is not used, unless the first was not used either.
 *
 * @returns the link with this code; undefined where another has come first
 */
async function take({ context }: ConnectParts, link: Link, flow: Flow, hash: string): Promise<Link | undefined> {
  if (flow.codeHash === hash) return link;
  if (link.intake !== undefined) return undefined;
  const { store, keyring } = context;
  const { connectHash, flowSealed } = link.row;
  const next = { ...flow, codeHash: hash };
  const after = { flowSealed: sealFlow(keyring, connectHash, next), stateHash: stateHash(keyring, flow.state) };
  if (await store.moveConnect(connectHash, flowSealed, after)) return { ...link, flow: next };
  const now = await linkByState(context, flow.state);
  return now?.flow?.codeHash === hash ? now : undefined;
}

/** A link once what another request has brought has come to something; as it is, where that takes long. */
async function settled({ context }: ConnectParts, state: string, link: Link): Promise<Link> {
  let latest = link;
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += pollMs) {
    latest = (await linkByState(context, state)) ?? latest;
    if (latest.status !== "waiting") break;
    await context.sleep(pollMs);
  }
  return latest;
}

/** Has the keeper exchange the code. What passes by itself is tried again for a while: nothing else has the code. */
async function exchange(parts: ConnectParts, provider: string, link: Link, request: CodeRequest): Promise<Result> {
  const { context, keeper } = parts;
  const { row, asked } = link;
  for (let waitedMs = 0; ;) {
    try {
      if (request.hold !== undefined) {
        await keeper.holdCode(provider, request);
        return { status: "pending" };
      }
      const grantId = await keeper.exchangeCode(provider, request);
      await parts.stored(grantId, asked);
      await context.store.endConnect(row.connectHash, context.clock.now(), null, grantId);
      return { status: "finished" };
    } catch (error) {
      if (!isOnbehalfError(error)) throw error;
      if (!passing.has(error.code)) return fail(parts, link, shownReason(error));
      const waitMs = Math.min(longestWaitMs, Math.max(100, retryAfterMs(error)));
      if (waitedMs + waitMs > patienceMs) return waiting(parts, link, error);
      waitedMs += waitMs;
      await context.sleep(waitMs);
    }
  }
}

/** What a person is told whose provider does not answer: the answer may be kept all the same. */
async function waiting(parts: ConnectParts, link: Link, error: OnbehalfError): Promise<Result> {
  const now = await linkByState(parts.context, link.flow?.state ?? "");
  return now === undefined || now.status === "waiting" ? { status: "error", error: error.code } : resultOf(parts, now);
}

function retryAfterMs({ details }: OnbehalfError): number {
  return "retryAfterMs" in details ? details.retryAfterMs : 0;
}
