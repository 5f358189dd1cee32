import { isOnbehalfError, OnbehalfError } from "../core/errors.ts";
import type { GrantRef } from "../core/grant.ts";
import { tokenDigest } from "../crypto/token-digest.ts";
import { answer, isRefused, isRepeatable, responseOf, sentToken } from "./library-client.ts";
import type {
  Callback,
  LibraryClient,
  LibraryClientClass,
  LibraryCredentials,
  LibraryRequest,
  OAuth2ClientClass,
} from "./library-client.ts";
import { asLibraryError } from "./library-error.ts";
import type { TokenVault, VaultToken } from "./vault-tokens.ts";

type VaultClientClass = new (
  clientOptions: object,
  vault: TokenVault,
  ref: GrantRef,
  asked: { readonly minTtlSeconds?: number },
) => LibraryClient;

/** One subclass of each class, so that clients of the same library are of one class. */
const made = new WeakMap<OAuth2ClientClass, VaultClientClass>();

/** The subclass of a caller's class whose tokens come from a vault. */
export function vaultClientOf(given: OAuth2ClientClass): VaultClientClass {
  const known = made.get(given);
  if (known !== undefined) return known;
  const subclass = subclassOf(given as unknown as LibraryClientClass);
  made.set(given, subclass);
  return subclass;
}

function subclassOf(OAuth2Client: LibraryClientClass): VaultClientClass {
  return class VaultOAuth2Client extends OAuth2Client {
    readonly #vault: TokenVault;
    readonly #ref: GrantRef;
    readonly #asked: { readonly minTtlSeconds?: number };

    constructor(clientOptions: object, vault: TokenVault, ref: GrantRef, asked: { readonly minTtlSeconds?: number }) {
      super(clientOptions);
      this.#vault = vault;
      this.#ref = ref;
      this.#asked = asked;
    }

    /** Every request to an API comes through here, whichever of the library's ways it takes. */
    override async getRequestMetadataAsync(url?: unknown): Promise<unknown> {
      this.#hold(await this.#ask());
      return super.getRequestMetadataAsync(url);
    }

    /** The vault has decided whether the token lives long enough. By the library's own rule it would refresh it itself. */
    override isTokenExpiring(): boolean {
      return false;
    }

    getAccessToken(callback?: Callback): Promise<unknown> | undefined {
      const token = this.#ask().then((given) => ({ token: this.#hold(given).access_token }));
      return answer(token, callback, (value) => value.token);
    }

    /** Another token than the one that is held. Where there is none to be had yet, the one that still lives. */
    refreshAccessToken(callback?: Callback): Promise<unknown> | undefined {
      const held = this.credentials.access_token ?? undefined;
      const refreshed = this.#askAfter(held).then((given) => ({ credentials: this.#hold(given), res: null }));
      return answer(refreshed, callback, ({ credentials }) => credentials);
    }

    /** What the library does at its own 401s, by the vault: one refresh for all requests that were refused with a token. */
    override request(options: LibraryRequest, callback?: Callback): Promise<unknown> | undefined {
      const sent = this.#requestTwice(options);
      if (callback === undefined) return sent;
      // As the library has it: an answer that is an error is given beside the error.
      return answer(sent, (error, response) => callback(error, response ?? responseOf(error)));
    }

    /** Ends the grant at the provider and in the vault. The library's own would end it behind the vault's back. */
    revokeCredentials(callback?: Callback): Promise<unknown> | undefined {
      return answer(this.#revoke(), callback);
    }

    async #requestTwice(options: LibraryRequest): Promise<unknown> {
      try {
        return await super.request(options);
      } catch (error) {
        const refused = sentToken(options);
        if (!isRefused(error) || refused === undefined || !isRepeatable(options)) throw error;
        const other = await this.#askAfter(refused);
        // The API's own word says more than that there is no other token for now.
        if (other.token === refused) throw error;
        return super.request(options);
      }
    }

    async #ask(refused?: string): Promise<VaultToken> {
      try {
        const more = refused === undefined ? {} : { refused: tokenDigest(refused) };
        return await this.#vault.getAccessToken(this.#ref, { ...this.#asked, ...more });
      } catch (error) {
        throw asLibraryError(error);
      }
    }

    async #askAfter(refused: string | undefined): Promise<VaultToken> {
      try {
        return await this.#ask(refused);
      } catch (error) {
        // Whoever could get another one is away, or new tokens were refused as well and the vault holds back.
        const isForNow = isOnbehalfError(error) && error.status === 503;
        if (refused === undefined || !isForNow) throw error;
        return this.#ask();
      }
    }

    /** Keeps a token where programs look for it, and tells those who listen where it is a new one. */
    #hold({ token, expiresAt, scopes }: VaultToken): LibraryCredentials {
      if (token === this.credentials.access_token) return this.credentials;
      this.credentials = {
        access_token: token,
        token_type: "Bearer",
        ...(expiresAt === undefined ? {} : { expiry_date: expiresAt.getTime() }),
        ...(scopes === undefined ? {} : { scope: scopes.join(" ") }),
      };
      this.emit("tokens", this.credentials);
      return this.credentials;
    }

    async #revoke(): Promise<unknown> {
      if (this.#vault.revoke === undefined) {
        throw new OnbehalfError("invalid_request", "this vault gives tokens only, and cannot revoke a grant", {
          hint: "revoke the grant where it is kept: DELETE /v1/grants/{ref}, or revoke() of its vault",
          details: { parameter: "vault" },
        });
      }
      await this.#vault.revoke(this.#ref);
      this.credentials = {};
      return { status: 200, statusText: "OK", data: { success: true } };
    }
  };
}
