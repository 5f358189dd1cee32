import type { Note } from "../http/messages.ts";
import type { AccessToken, RefreshToken } from "../state/ledger.ts";
import type { Client } from "./clients.ts";

/** A token request of an authenticated client. */
export interface TokenRequest {
  readonly client: Client;
  readonly form: ReadonlyMap<string, string>;
  readonly resources: readonly string[];
}

/** What a token request brought. */
export interface Issued {
  readonly access: AccessToken;
  /** The refresh token that the answer carries. */
  readonly refreshToken: RefreshToken | undefined;
  readonly note: Note;
}
