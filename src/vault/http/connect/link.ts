/**
 * A connect link as it is kept: what was asked for when it was made, and how far its sign-in has come. Both are sealed for
 * the link, so that whoever writes the database cannot let one link be another.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { connectStatus } from "../../../core/connect.ts";
import type { CodeStanding, ConnectStatus } from "../../../core/connect.ts";
import type { AuditPrincipal } from "../../../core/audit-principal.ts";
import { defined } from "../../../core/defined.ts";
import type { Maker } from "../../../core/maker.ts";
import { Secret } from "../../../core/secret.ts";
import { connectPlace } from "../../../crypto/places.ts";
import type { Sealer } from "../../../crypto/keyring.ts";
import type { ConnectRow } from "../../../store/connect-store.ts";
import type { IntakeRow } from "../../../store/intake-store.ts";
import type { ConnectContext } from "./parts.ts";

/** What the app asked for when it made a link. */
export interface Asked {
  readonly connectId: string;
  readonly provider: string;
  readonly externalId: string;
  readonly account?: string;
  /**
   * The `sub` of the person whose grant is connected again: nobody else's consent is taken. Absent: the link is for whoever consents, or
   * the provider does not say who does.
   */
  readonly subject?: string;
  /** The grant that is connected again. Absent: the link is for none in particular. */
  readonly grantId?: string;
  readonly scopes?: readonly string[];
  readonly returnUrl: string;
  /** Of the verifier that the app's session keeps. Absent: the person is asked instead. */
  readonly challenge?: string;
  /** Whether only the browser that comes back can finish it. */
  readonly returnCodeRequired?: true;
  readonly loginHint?: string;
  readonly forceConsent?: true;
  readonly userLabel?: string;
  readonly appName: string;
  /** Who made the link, as the audit log knows them. */
  readonly by: string;
  /** In which session or sign-in they made it. Absent: in none. */
  readonly bySession?: string;
  /** The caller whose link it is: it ends with that caller, and with its session. Absent: the app's own. */
  readonly maker?: Maker;
}

/** How far the sign-in of a link has come. */
export interface Flow {
  /** The keyed hash of what the browser's cookie holds that has begun, in hexadecimal. */
  readonly browser: string;
  readonly state: string;
  readonly codeVerifier: string;
  readonly nonce: string;
  readonly redirectUri: string;
  /** Where the person was sent. */
  readonly url: string;
  readonly clientId: string;
  readonly issuer: string;
  readonly sendsIssuer: boolean;
  /** What the provider was asked for. */
  readonly scopes: readonly string[];
  /** The keyed hash of the code that came back, in hexadecimal. Absent: none has. */
  readonly codeHash?: string;
}

/** Whose doing it is, in the audit log, what a link's person does. */
export function principalOf({ by, bySession, maker }: Asked): AuditPrincipal {
  return { caller: by, requestId: null, ...defined({ sessionId: bySession ?? maker?.sessionId }) };
}

/** A link with what is known of it. */
export interface Link {
  readonly row: ConnectRow;
  readonly asked: Asked;
  readonly flow: Flow | undefined;
  /** What has become of its code. Undefined: there is none, or it was not used. */
  readonly intake: IntakeRow | undefined;
  readonly status: ConnectStatus;
}

/** 256 random bits, as a URL may hold them. */
export function randomText(): string {
  return randomBytes(32).toString("base64url");
}

const randomForm = /^[A-Za-z0-9_-]{43}$/;

/** Whether a text can be one of {@link randomText}. What cannot is looked up nowhere. */
export function isRandomText(text: string): boolean {
  return randomForm.test(text);
}

export function newConnectId(): string {
  return `c_${randomText()}`;
}

export function connectHash(keyring: Sealer, connectId: string): Buffer {
  return keyring.hash("connect", connectId);
}

export function stateHash(keyring: Sealer, state: string): Buffer {
  return keyring.hash("connect_state", state);
}

/**
 * What the browser is given that the provider sends back, where a link wants it. The same each time: a browser may send
 * the provider's answer again.
 */
export function returnCodeOf(keyring: Sealer, connectId: string): Secret {
  return new Secret(keyring.hash("connect_return", connectId).toString("base64url"));
}

/** What of a browser's cookie stands with a link. */
export function browserHash(keyring: Sealer, cookie: string): string {
  return keyring.hash("connect_browser", cookie).toString("hex");
}

/** What the page's form must send back, so that no other page can send it. */
export function formToken(keyring: Sealer, cookie: string, connectId: string): string {
  return keyring.hash("connect_form", cookie, connectId).toString("base64url");
}

/** Whether two texts are the same, compared in constant time. */
export function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

export function sealAsked(keyring: Sealer, hash: Uint8Array, asked: Asked): Buffer {
  return keyring.seal(JSON.stringify(asked), connectPlace("asked", hash));
}

export function sealFlow(keyring: Sealer, hash: Uint8Array, flow: Flow): Buffer {
  return keyring.seal(JSON.stringify(flow), connectPlace("flow", hash));
}

/** The link of an id that somebody has sent; undefined where there is none. */
export async function linkById(context: ConnectContext, connectId: string): Promise<Link | undefined> {
  if (!connectId.startsWith("c_") || !isRandomText(connectId.slice(2))) return undefined;
  const row = await context.store.connectByHash(connectHash(context.keyring, connectId));
  return row === undefined ? undefined : linkOf(context, row);
}

/** The link to whose sign-in a `state` belongs; undefined where it belongs to none. */
export async function linkByState(context: ConnectContext, state: string): Promise<Link | undefined> {
  if (!isRandomText(state)) return undefined;
  const row = await context.store.connectByState(stateHash(context.keyring, state));
  const link = row === undefined ? undefined : await linkOf(context, row);
  // The hash stands in clear beside what it leads to.
  return link?.flow !== undefined && isSame(link.flow.state, state) ? link : undefined;
}

/** A row with what is known of it; undefined where it does not open. */
async function linkOf(context: ConnectContext, row: ConnectRow): Promise<Link | undefined> {
  const { store, keyring, clock } = context;
  const askedText = keyring.open(row.askedSealed, connectPlace("asked", row.connectHash));
  const flowText =
    row.flowSealed === null ? "null" : keyring.open(row.flowSealed, connectPlace("flow", row.connectHash));
  if (askedText === undefined || flowText === undefined) return undefined;
  const asked = JSON.parse(askedText) as Asked;
  const flow = (JSON.parse(flowText) as Flow | null) ?? undefined;
  const intake = flow?.codeHash === undefined ? undefined : await store.intakeByCode(Buffer.from(flow.codeHash, "hex"));
  const standing = { isProved: asked.challenge !== undefined, error: row.error, expiresAt: row.expiresAt };
  const status = connectStatus(standing, standingOf(intake), clock.now());
  // What nobody has finished before its maker ended is over: the key may have been taken away because of it.
  const isOver = (status === "waiting" || status === "pending") && !(await context.mayStillConnect(asked.maker, asked));
  return { row, asked, flow, intake, status: isOver ? "expired" : status };
}

function standingOf(intake: IntakeRow | undefined): CodeStanding {
  if (intake === undefined) return "none";
  return intake.heldUntil === null ? intake.state : "held";
}
