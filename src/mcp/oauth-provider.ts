import { createHash } from "node:crypto";
import { configurationInvalid, invalidRequest } from "../core/errors.ts";
import type { GrantRef } from "../core/grant.ts";
import { scopesOf } from "../core/grant.ts";
import { defined } from "../core/defined.ts";
import { tokenDigest } from "../crypto/token-digest.ts";
import { answerInPlace, assertAnswerable } from "./answer-in-place.ts";
import type { AnsweredTokens } from "./answer-in-place.ts";
import { isOfServer } from "./resource.ts";
import type {
  McpClientInformation,
  McpClientMetadata,
  McpDiscoveryState,
  McpIssuerContext,
  McpTokens,
} from "./sdk-shapes.ts";
import { SentRequests } from "./sent-requests.ts";
import type { SignIn, SignInVault } from "./token-vault.ts";
import { forSdk, needsConsent } from "./unauthorized.ts";

/** Stands where the SDK wants a refresh token, so that it asks for another access token. It is worth nothing anywhere. */
const placeholder = "kept-in-the-vault";
/** How many verifiers and answers are remembered that the SDK has not come back with. */
const remembered = 64;

/** The options of {@link mcpOAuthProvider}, checked, and what the provider's record says. */
export interface SettledOptions {
  readonly whose: { readonly provider: string; readonly externalId: string; readonly account?: string };
  readonly server: string;
  readonly clientName?: string;
  readonly scopes?: readonly string[];
  readonly redirectUrl?: string;
  readonly onRedirect?: (url: URL) => void | Promise<void>;
  readonly state?: string;
}

/**
 * An `OAuthClientProvider` of the MCP SDK 1 and 2 whose tokens live in a vault; {@link mcpOAuthProvider} makes it. The SDK finds
 * out what the server wants, sends the person away and checks what comes back. The vault is the client there: it exchanges
 * the code, holds the refresh token, and refreshes once for all processes.
 */
export class McpOAuthProvider {
  readonly #vault: SignInVault;
  readonly #options: SettledOptions;
  readonly #ref: GrantRef;
  readonly #requests = new SentRequests();
  readonly #verifiers = new Recent<string>();
  readonly #signIns = new Recent<SignIn>();
  readonly #answers = new Recent<true>();
  #discovered: McpDiscoveryState | undefined;
  #redirects = 0;
  #isToAskPerson = false;

  /** @internal Use {@link mcpOAuthProvider}. */
  constructor(vault: SignInVault, options: SettledOptions) {
    this.#vault = vault;
    this.#options = options;
    this.#ref = options.whose;
  }

  /** Undefined where nobody can be sent away: the SDK then only asks for tokens of a grant that is there. */
  get redirectUrl(): string | undefined {
    return this.#options.redirectUrl;
  }

  get clientMetadata(): McpClientMetadata {
    const { redirectUrl, clientName, scopes } = this.#options;
    return {
      ...defined({ client_name: clientName, scope: scopes?.join(" ") }),
      redirect_uris: redirectUrl === undefined ? [] : [redirectUrl],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
    };
  }

  /**
   * The token to send, without the provider's refresh token. Undefined: the person has not consented, or must again.
   *
   * @throws {OnbehalfError} what `Vault.getAccessToken` throws for other reasons
   */
  async tokens(context?: McpIssuerContext): Promise<McpTokens | undefined> {
    const signingIn = this.#requests.current;
    // While it signs in, the SDK asks for what it could refresh. Otherwise, it is about to send a request.
    const isSignIn = context !== undefined || signingIn.signIns > 0;
    if (isSignIn) signingIn.signIns = Math.max(0, signingIn.signIns - 1);
    const request = isSignIn ? undefined : this.#requests.begin();
    if (request !== undefined) request.redirects = this.#redirects;
    if (isSignIn && this.#isToAskPerson) return undefined;
    try {
      const token = await this.#vault.getAccessToken(this.#ref);
      if (request !== undefined) request.digest = tokenDigest(token.token);
      const tokens = this.#answerOf(token);
      return request === undefined ? { ...tokens, refresh_token: placeholder, issuer: await this.#issuer() } : tokens;
    } catch (error) {
      if (needsConsent(error)) return undefined;
      throw error;
    }
  }

  /**
   * Takes tokens that the vault has not given itself, such as those of another store that is left behind: they are deposited,
   * so that only the vault may use the refresh token from then on.
   *
   * @throws {OnbehalfError} `invalid_request`: there is no refresh token; what `Vault.deposit` throws
   */
  async saveTokens(tokens: McpTokens): Promise<void> {
    const request = this.#requests.current;
    Object.assign(request, { isAnswered: false, signIns: 0 });
    this.#isToAskPerson = false;
    if (this.#answers.get(tokenDigest(tokens.access_token)) === true) return;
    const { refresh_token: refreshToken, scope, issuer } = tokens;
    if (refreshToken === undefined || refreshToken === placeholder) {
      throw invalidRequest(
        "tokens that the vault did not get itself need a refresh token",
        "let the person sign in by this provider, or by a connect link",
        "refresh_token",
      );
    }
    if (issuer !== undefined && issuer !== (await this.#issuer())) throw this.#otherIssuer("the tokens are");
    await this.#vault.deposit({ ...this.#options.whose, refreshToken, ...defined({ scope }) });
  }

  /** The vault's client at this server, which it finds out and registers where there is none. Its secret stays there. */
  async clientInformation(): Promise<McpClientInformation> {
    const request = this.#requests.current;
    Object.assign(request, { isAnswered: false, failure: undefined });
    request.signIns += 1;
    const { clientId, issuer } = await this.#authorization();
    return { client_id: clientId, issuer };
  }

  /** The authorization server that the vault uses, so that the SDK goes to no other. */
  async discoveryState(): Promise<McpDiscoveryState> {
    const { issuer } = await this.#authorization();
    if (this.#discovered?.authorizationServerUrl === issuer) return this.#discovered;
    return { authorizationServerUrl: issuer };
  }

  saveDiscoveryState(state: McpDiscoveryState): void {
    this.#discovered = state;
  }

  /**
   * What binds the person's return to this sign-in.
   *
   * @throws {OnbehalfError} why there was no other token, where sending the person away would not help
   */
  state(): string {
    const request = this.#requests.current;
    const { failure, isAnswered } = request;
    Object.assign(request, { failure: undefined, isAnswered: false });
    if (failure !== undefined) throw failure;
    if (isAnswered) {
      throw configurationInvalid(
        "the fetch that the transport was given cannot read data: URLs, by which the vault answers the SDK",
        "let it pass requests to data: URLs on to the global fetch",
      );
    }
    return this.#vault.signIns.newState();
  }

  saveCodeVerifier(codeVerifier: string): void {
    const challenge = createHash("sha256").update(codeVerifier).digest("base64url");
    this.#verifiers.set(challenge, codeVerifier);
  }

  /**
   * Sends the person away: once, for all requests that were sent before.
   *
   * @throws {OnbehalfError} `store_unavailable`; what the program's own `onRedirect` throws
   */
  async redirectToAuthorization(authorizationUrl: URL): Promise<void> {
    const request = this.#requests.current;
    request.signIns = 0;
    const { onRedirect, whose, redirectUrl = "" } = this.#options;
    if (onRedirect === undefined) throw new TypeError("nobody can be sent away without onRedirect");
    const isAway = this.#redirects > request.redirects;
    if (!isAway) this.#redirects += 1;
    request.redirects = this.#redirects;
    if (isAway) return;
    this.#isToAskPerson = false;
    const url = new URL(authorizationUrl);
    const { searchParams: query } = url;
    const codeVerifier = this.#verifiers.get(query.get("code_challenge") ?? "");
    const state = query.get("state");
    if (codeVerifier === undefined || state === null) {
      throw invalidRequest("the sign-in must have a state and a verifier of its own", "let the SDK build it");
    }
    const { resource } = await this.#authorization();
    // As the server's own metadata writes it, to the last slash.
    if (query.has("resource") && typeof resource === "string") query.set("resource", resource);
    const scopes = await this.#scopesToAsk(scopesOf(query.get("scope") ?? ""));
    if (scopes.length > 0) query.set("scope", scopes.join(" "));
    await this.#vault.signIns.begin(whose, { state, codeVerifier, redirectUri: redirectUrl, scopes });
    await onRedirect(url);
  }

  /**
   * The verifier of the sign-in that has come back.
   *
   * @throws {OnbehalfError} `invalid_request`: this person has begun none, or fifteen minutes have passed
   */
  async codeVerifier(): Promise<string> {
    const { whose, state } = this.#options;
    const signIn = await this.#vault.signIns.find(whose, state);
    if (signIn === undefined) {
      throw invalidRequest(
        state === undefined
          ? "no sign-in of this person is under way"
          : "the state is of no sign-in of this person that is under way",
        "begin it again: it may be over, or have been somebody else's",
        "state",
      );
    }
    this.#signIns.set(signIn.codeVerifier, signIn);
    return signIn.codeVerifier;
  }

  /**
   * Answers the SDK's token requests: the vault exchanges the code, or refreshes. The SDK calls it without `this`.
   *
   * @throws {OnbehalfError} `configuration_invalid`: this version of the SDK cannot be answered; what `Vault.exchangeCode` and
   *   `Vault.getAccessToken` throw
   */
  readonly addClientAuthentication = async (
    _headers: unknown,
    parameters: URLSearchParams,
    url: string | URL,
    metadata?: object,
  ): Promise<void> => {
    assertAnswerable(url, metadata);
    const request = this.#requests.current;
    const grantType = parameters.get("grant_type");
    if (grantType === "authorization_code") {
      request.signIns = 0;
      answerInPlace(url, parameters, await this.#exchange(parameters));
    } else if (grantType === "refresh_token") {
      answerInPlace(url, parameters, await this.#another());
    } else {
      throw configurationInvalid("a vault keeps what people have granted", "sign people in with a code");
    }
    request.isAnswered = true;
  };

  /** What is asked for where nobody can be sent away. */
  prepareTokenRequest(): URLSearchParams | undefined {
    if (this.#options.redirectUrl !== undefined) return undefined;
    return new URLSearchParams({ grant_type: "refresh_token", refresh_token: placeholder });
  }

  /**
   * Whether the tokens may go to a server.
   *
   * @throws {OnbehalfError} `configuration_invalid`: the transport has another server, or its metadata is another resource's
   * @see https://www.rfc-editor.org/rfc/rfc8707
   */
  async validateResourceURL(serverUrl: string | URL, resource?: string): Promise<URL | undefined> {
    const { server, whose } = this.#options;
    if (!isOfServer(serverUrl, server)) {
      throw configurationInvalid(
        `the transport's URL is not that of ${whose.provider}, whose tokens it would send`,
        "give the transport the URL that the provider's record has as server, or another provider",
      );
    }
    if (resource === undefined) return undefined;
    const { resource: known = server } = await this.#authorization();
    if (typeof known === "string" && isOfServer(resource, known) && isOfServer(known, resource)) return new URL(known);
    throw configurationInvalid(
      `the metadata of ${whose.provider} is another resource's than the one that its tokens are for`,
      "check that the server is the one that you mean; the document of another resource is not used",
    );
  }

  /**
   * Makes the SDK's next sign-in ask the person, as where a grant covers too little. Nothing is deleted: a grant ends by
   * `Vault.revoke`.
   */
  invalidateCredentials(scope: "all" | "client" | "tokens" | "verifier" | "discovery"): void {
    if (scope === "all" || scope === "discovery") this.#discovered = undefined;
    if (scope === "all" || scope === "tokens") this.#isToAskPerson = true;
  }

  async #exchange(parameters: URLSearchParams): Promise<AnsweredTokens> {
    const signIn = this.#signIns.get(parameters.get("code_verifier") ?? "");
    if (signIn === undefined)
      throw invalidRequest("the code comes with a verifier of no sign-in", "let the SDK send it");
    const { state, redirectUri, codeVerifier, scopes } = signIn;
    const { grantId } = await this.#vault.exchangeCode({
      ...this.#options.whose,
      code: parameters.get("code") ?? "",
      source: "web-redirect",
      redirectUri,
      codeVerifier,
      ...(scopes.length === 0 ? {} : { scopes }),
    });
    await this.#vault.signIns.finish(state, grantId);
    return this.#given(await this.#vault.getAccessToken({ grantId }));
  }

  /** Another token than the one that the server has refused. */
  async #another(): Promise<AnsweredTokens> {
    const request = this.#requests.current;
    const { digest: refused } = request;
    try {
      return this.#given(await this.#vault.getAccessToken(this.#ref, defined({ refused })));
    } catch (error) {
      // The SDK goes on to send the person away, whatever it was.
      if (!needsConsent(error)) request.failure = error;
      throw forSdk(error);
    }
  }

  #given(token: Awaited<ReturnType<SignInVault["getAccessToken"]>>): AnsweredTokens {
    this.#answers.set(tokenDigest(token.token), true);
    return this.#answerOf(token);
  }

  #answerOf({ token, expiresAt, scopes }: Awaited<ReturnType<SignInVault["getAccessToken"]>>): AnsweredTokens {
    const leftMs = expiresAt === undefined ? undefined : expiresAt.getTime() - this.#vault.clock.now();
    return {
      access_token: token,
      token_type: "Bearer",
      ...(leftMs === undefined ? {} : { expires_in: Math.max(0, Math.floor(leftMs / 1000)) }),
      ...(scopes === undefined || scopes.length === 0 ? {} : { scope: scopes.join(" ") }),
    };
  }

  /** What is asked for, and what the grant covers already: a consent for more must never cover less. */
  async #scopesToAsk(wanted: readonly string[]): Promise<readonly string[]> {
    // A server that names no scopes has its own default.
    if (wanted.length === 0) return wanted;
    try {
      const { state, scopes, missingScopes = [] } = await this.#vault.grant(this.#ref);
      if (state === "revoked" || state === "revoking") return wanted;
      return [...new Set([...wanted, ...scopes, ...missingScopes])];
    } catch (error) {
      if (needsConsent(error)) return wanted;
      throw error;
    }
  }

  #authorization(): ReturnType<SignInVault["signIns"]["authorization"]> {
    return this.#vault.signIns.authorization(this.#options.whose.provider);
  }

  async #issuer(): Promise<string> {
    return (await this.#authorization()).issuer;
  }

  #otherIssuer(what: string): Error {
    const { provider } = this.#options.whose;
    return configurationInvalid(
      `${what} of another authorization server than the one that ${provider} has here`,
      "let the person sign in again",
    );
  }
}

/** A map that forgets its oldest entries. */
class Recent<T> {
  readonly #entries = new Map<string, T>();

  get(key: string): T | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: T): void {
    this.#entries.set(key, value);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > remembered && oldest !== undefined) this.#entries.delete(oldest);
  }
}
