import type { AccessToken, Authorization, Family } from "../state/ledger.ts";
import type { OneTimeCode, OneTimeCodes } from "../state/one-time-codes.ts";
import type { StandinState } from "../state/standin-state.ts";
import type { AssertionMemory } from "./assertion-memory.ts";
import type { ClientDocuments } from "./client-documents.ts";
import type { Clients } from "./clients.ts";
import type { OAuth2Settings } from "./settings.ts";
import type { SsfTransmitter } from "./ssf-transmitter.ts";

/** A code, bound to all that its authorization request said. */
export interface Code extends OneTimeCode {
  readonly authorization: Authorization;
  readonly clientId: string;
  /** What was granted, which may be less than was asked. */
  readonly scopes: readonly string[];
  /** As the authorization request wrote it; undefined where it left it out. */
  readonly redirectUri: string | undefined;
  /** The PKCE challenge, of the method S256. */
  readonly challenge: string | undefined;
  readonly resources: readonly string[];
  /** What the exchange brought, so that a second use can end it. */
  brought?: { readonly access: AccessToken; readonly family: Family | undefined };
}

/** All that one stand-in of the kinds `oauth2` and `mcp` remembers. */
export interface OAuth2State extends StandinState {
  readonly settings: OAuth2Settings;
  readonly clients: Clients;
  /** Clients whose id is the URL of their metadata. */
  readonly documents: ClientDocuments;
  readonly codes: OneTimeCodes<Code>;
  readonly assertions: AssertionMemory;
  /** Tells a receiver of what happens to accounts. */
  readonly ssf: SsfTransmitter;
  /** Its own resources. Empty where it has none that it must know by name. */
  readonly resources: readonly string[];
  /** The scopes that it names in its metadata. */
  readonly scopes: readonly string[];
  /** The scopes of a request that names none. */
  readonly defaultScopes: readonly string[];
}
