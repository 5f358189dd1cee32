import { abortSignal, assertFits, assertOptions, required, secretText, text } from "../../../core/argument-checks.ts";
import { mostConnectTries } from "../../../core/connect.ts";
import type { ConnectStatus } from "../../../core/connect.ts";
import { OnbehalfError, isOnbehalfError } from "../../../core/errors.ts";
import type { Grant } from "../../../core/grant.ts";
import { Secret } from "../../../core/secret.ts";
import { isVerifierOf } from "../../../crypto/code-challenge.ts";
import { isMac, resultMac } from "../../../crypto/keyring.ts";
import { currentPrincipal } from "../../context.ts";
import { connectExpired, connectNotFound, verifierMismatch } from "../../errors/connect.ts";
import { providerUnavailable } from "../../errors/provider-unavailable.ts";
import { openPerson } from "../../grants/sealed-grant.ts";
import { codeVerifierOf } from "../../keeper/codes/code-request.ts";
import { shownReason } from "./shown-reason.ts";
import type { ConnectParts } from "./parts.ts";
import { linkById } from "./link.ts";
import type { Asked, Link } from "./link.ts";

/** What finishing a link takes. */
export interface FinishConnectOptions {
  /** The verifier of the challenge that the link was made with: 43 to 128 characters. Absent: it was made without one. */
  readonly codeVerifier?: string | Secret;
  /** What stands in the return URL as `return_code`, where the link was made with `returnCodeRequired`. */
  readonly returnCode?: string | Secret;
  /** Ends the wait. What was begun goes on. */
  readonly signal?: AbortSignal;
}

/** How a link stands. */
export interface ConnectState {
  readonly status: ConnectStatus;
  /** The grant that it has become; in `finished` only. */
  readonly grantId?: string;
  /** Why it failed; in `failed` only. */
  readonly error?: string;
}

/** @throws {OnbehalfError} `invalid_request`: `details.parameter` names the argument */
export function assertFinishConnectOptions(connectId: string, options: FinishConnectOptions): void {
  assertFits("connectId", connectId, required(text));
  assertOptions("finishConnect", options, { codeVerifier: secretText, returnCode: secretText, signal: abortSignal });
}

/** Which links somebody may see. */
export type SeesLink = (asked: Pick<Asked, "provider" | "externalId">) => boolean;

/** Finishes a link; see `Vault.finishConnect`. */
export async function finishConnect(
  parts: ConnectParts,
  connectId: string,
  { codeVerifier, returnCode }: FinishConnectOptions,
  sees: SeesLink,
): Promise<Grant> {
  const link = await seenLink(parts, connectId, sees);
  const { asked, row, status } = link;
  const { clock, store } = parts.context;
  const verifier = codeVerifierOf(codeVerifier);
  if (status === "failed") throw connectFailed(reasonOf(link));
  if (status === "expired") throw connectExpired();
  if (status === "waiting") throw connectWaiting();
  const { codeHash = "" } = link.flow ?? {};
  if (asked.challenge === undefined) {
    // The app keeps a verifier, and the link that came back was made without its challenge: somebody has made another one.
    if (verifier !== undefined) throw verifierMismatch();
    const state = await stateOf(parts, link);
    if (state.status === "failed") throw connectFailed(state.error ?? "");
    if (state.grantId === undefined) throw notFinishedYet(parts, asked);
    return parts.stored(state.grantId, asked);
  }
  if (verifier === undefined || !isVerifierOf(asked.challenge, verifier)) {
    await refuse(parts, link);
    throw verifierMismatch();
  }
  const held = { codeHash: Buffer.from(codeHash, "hex"), connect: Buffer.from(row.connectHash).toString("hex") };
  const principal = currentPrincipal();
  const proof = { codeVerifier: verifier, returnCode: returnCode === undefined ? undefined : Secret.of(returnCode) };
  const grantId = await parts.keeper
    .finishHeld(asked.provider, { ...held, ...proof, principal })
    .catch(async (error: unknown) => {
      if (isOnbehalfError(error, "verifier_mismatch")) await refuse(parts, link);
      throw error;
    });
  await store.endConnect(row.connectHash, clock.now(), null, grantId);
  return parts.stored(grantId, asked);
}

/** How a link stands; see `Vault.connectStatus`. */
export async function connectState(parts: ConnectParts, connectId: string, sees: SeesLink): Promise<ConnectState> {
  assertFits("connectId", connectId, required(text));
  return stateOf(parts, await seenLink(parts, connectId, sees));
}

/** A link with what has become of it. */
export async function stateOf(parts: ConnectParts, link: Link): Promise<ConnectState> {
  const { status, intake, asked } = link;
  if (status === "failed") return { status, error: reasonOf(link) };
  if (status !== "finished" || intake === undefined) return { status };
  const { store, keyring } = parts.context;
  const { codeHash, grantId, endedAt, resultMac: mac } = intake;
  // Whoever writes the database could let a link mean the grant of somebody else.
  const isOwn = grantId !== null && isMac(mac, resultMac(keyring, Buffer.from(codeHash), grantId, endedAt ?? 0));
  const grant = isOwn ? await store.grantById(grantId) : undefined;
  if (grant === undefined) return { status: "failed", error: "grant_not_found" };
  const isKnown = openPerson(keyring, grant).externalIds.some(({ externalId }) => externalId === asked.externalId);
  return isKnown ? { status, grantId: grant.grantId } : { status: "failed", error: "external_id_conflict" };
}

async function seenLink({ context }: ConnectParts, connectId: string, sees: SeesLink): Promise<Link> {
  const link = await linkById(context, connectId);
  if (link === undefined || !sees(link.asked)) throw connectNotFound();
  return link;
}

/** Why a link failed: as it was noted, or as its code was refused where nobody came to note it. */
function reasonOf({ row, intake }: Link): string {
  if (row.error !== null) return row.error;
  try {
    return shownReason(JSON.parse(intake?.rejection ?? "") as Parameters<typeof shownReason>[0]);
  } catch {
    return "code_rejected";
  }
}

/** Counts a wrong verifier. After a handful the link has failed: nobody may go on trying. */
async function refuse({ context, keeper }: ConnectParts, { row, asked, flow }: Link): Promise<void> {
  const { store, clock } = context;
  if ((await store.countConnectTry(row.connectHash)) < mostConnectTries) return;
  const isEnded = await store.endConnect(row.connectHash, clock.now(), "verifier_mismatch", asked.grantId ?? null);
  if (!isEnded) return;
  const held = {
    codeHash: Buffer.from(flow?.codeHash ?? "", "hex"),
    connect: Buffer.from(row.connectHash).toString("hex"),
    principal: currentPrincipal(),
  };
  // Where that fails, the upkeep ends it when its time is over: a failed link is finished by nobody.
  await keeper.discardHeld(asked.provider, held).catch(() => undefined);
}

function connectFailed(reason: string): OnbehalfError<"connect_failed"> {
  return new OnbehalfError("connect_failed", `the connect link brought no grant (${reason})`, {
    hint: "make a new link, if the person wants to try again",
    details: { reason },
  });
}

function connectWaiting(): OnbehalfError<"connect_waiting"> {
  return new OnbehalfError("connect_waiting", "nobody has come back from the provider by this link yet", {
    hint: "finish it when the person is back at return_url",
    details: {},
  });
}

function notFinishedYet({ context }: ConnectParts, { provider: name }: Asked): OnbehalfError<"provider_unavailable"> {
  const issuer = context.protocols.get(name)?.provider.issuer ?? "";
  return providerUnavailable(`${name} has not said yet who has consented`, "sign_in_waits", "nothing was lost", {
    issuer,
    retryAfterMs: 5_000,
  });
}
