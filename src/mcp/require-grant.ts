import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "../core/clock.ts";
import { defined } from "../core/defined.ts";
import { OnbehalfError } from "../core/errors.ts";
import { tokenDigest } from "../crypto/token-digest.ts";
import { connectPage } from "./connect-page.ts";
import type { ConnectPage } from "./connect-page.ts";
import {
  askText,
  declinedText,
  lackingScopes,
  laterText,
  linkText,
  needOf,
  nobodyText,
  notYetText,
  operatorText,
} from "./grant-need.ts";
import { assertRequireGrantOptions, assertScopes, secretTextOf } from "./require-grant-options.ts";
import type { GrantVault, RequireGrantOptions, TokenOfGrant } from "./require-grant-options.ts";
import { LinkSealer } from "./sealed-link.ts";
import { clientCall, protocolServer } from "./server-sdk.ts";
import type { ClientCall, McpServerLike } from "./server-sdk.ts";
import { WaitingLinks } from "./waiting-links.ts";
import type { WaitingLink } from "./waiting-links.ts";

/** What a tool may do on the person's behalf. `token` is a getter, so that neither logging nor serialising shows it. */
export interface GrantAccess {
  /** The app's own user id of the person. */
  readonly externalId: string;
  readonly grantId: string;
  /** The access token. It belongs into no answer to the client. */
  readonly token: string;
  /** When it expires. Undefined where the provider did not say. */
  readonly expiresAt: Date | undefined;
  readonly scopes: readonly string[];
  /** Calls an API with the person's token, as `vault.fetch` does: refreshed where the API refuses it, only to its hosts. */
  readonly fetch: (input: string | URL, init?: RequestInit) => Promise<Response>;
}

class PersonAccess implements GrantAccess {
  readonly externalId: string;
  readonly grantId: string;
  readonly expiresAt: Date | undefined;
  readonly scopes: readonly string[];
  readonly fetch: GrantAccess["fetch"];
  readonly #found: TokenOfGrant;

  constructor(externalId: string, found: TokenOfGrant, fetch: GrantAccess["fetch"]) {
    this.externalId = externalId;
    this.grantId = found.grantId;
    this.expiresAt = found.expiresAt;
    this.scopes = found.scopes;
    this.fetch = fetch;
    this.#found = found;
  }

  get token(): string {
    return this.#found.token;
  }
}

/** What differs for one tool. */
export interface ForOneTool {
  /** What it needs besides the scopes that all of them need. */
  readonly scopes?: readonly string[];
}

/** What {@link requireGrant} makes. */
export interface RequiredGrant {
  /**
   * Makes a callback for a tool, a prompt or a resource, of one that gets the person's access before what the SDK gives it. Where
   * the person must connect first, the client gets the link.
   *
   * @param server the `McpServer` that it is registered with: it knows what the client can do
   */
  handler<A extends readonly unknown[], R>(
    server: McpServerLike,
    work: (access: GrantAccess, ...args: A) => R | Promise<R>,
    forOneTool?: ForOneTool,
  ): (...args: A) => Promise<R>;
  /**
   * The access itself, for code that registers no callback.
   *
   * @param extra what the SDK gives a callback last: `extra` in SDK 1, `ctx` in SDK 2
   * @throws the SDK's `UrlElicitationRequiredError`, to be passed on: the person must connect first
   * @throws {Error} to be passed on: its message tells the person what to do, where the client opens no links, or speaks
   *   revision 2026-07-28, or where nothing but time or the operator helps
   */
  access(server: McpServerLike, extra: unknown, forOneTool?: ForOneTool): Promise<GrantAccess>;
  /** The page that links lead to, for GET of all that lies beneath `pageUrl`. It never throws. */
  readonly page: ConnectPage;
}

/** How often it is looked whether a person has finished at another process, milliseconds. */
const pollMs = 1_000;

/**
 * For MCP servers whose tools use an account of the person who calls. Where that person has not connected it yet, has not allowed
 * enough, or has to allow it again, the client is asked to open a link (URL mode elicitation), and the tool works when it is
 * called again. A provider that is down, and faults of the server, never send anybody to a link.
 *
 * @param vault one of `openVault` or `openRemoteVault`; connect links must lead somewhere in it, and `pageUrl` be among the
 *   addresses that people may be sent back to
 * @throws {OnbehalfError} `configuration_invalid`: an option is not what it must be
 * @see https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation#url-mode-elicitation-for-oauth-flows
 */
export function requireGrant(vault: GrantVault, options: RequireGrantOptions): RequiredGrant {
  assertRequireGrantOptions(options);
  const { provider, account, signedIn, acceptedWaitSeconds = 45, onFault = (): void => undefined } = options;
  const clock = vault.clock ?? systemClock;
  const pageUrl = options.pageUrl.replace(/\/+$/, "");
  const sealer = new LinkSealer(secretTextOf(options.secret) ?? randomBytes(32).toString("base64url"));
  const fromAccess = new WeakSet<object>();
  const waiting = new WaitingLinks((content) => `${pageUrl}/${sealer.seal(content)}`);
  const record = vault.providerOf?.(provider);
  const providerName = record?.displayName ?? record?.name ?? provider ?? "the provider";
  const answerKey = `connect_${provider ?? "account"}`;

  return {
    handler: (server, work, forOneTool) => {
      assertScopes(forOneTool?.scopes);
      return async (...args) => {
        const call = clientCall(server, args.at(-1));
        const wanted = wantedScopes(forOneTool);
        const person = await personOf(call);
        const worked = async (access: Promise<GrantAccess>) => work(await access, ...args);
        const linkAfter = (error: unknown): NeededLink => {
          if (!isOurs(error)) throw error;
          return linkFor(person, wanted, error);
        };
        try {
          return await worked(accessOf(person, wanted, call));
        } catch (error) {
          const link = linkAfter(error);
          if (!call.answersByRetry || !call.opensUrls) throw refusal(server, call, link);
          const action = call.answerTo(answerKey);
          // The SDK's own type of it is one that this callback may return; it is not imported.
          if (action === undefined) return inputRequired(answerKey, link) as never;
          if (action !== "accept") throw new Error(declinedText(providerName), { cause: error });
          try {
            return await worked(afterAccepting(person, wanted, call, link.waits));
          } catch (again) {
            throw refusal(server, call, linkAfter(again));
          }
        }
      };
    },
    access: async (server, extra, forOneTool) => {
      assertScopes(forOneTool?.scopes);
      const call = clientCall(server, extra);
      const wanted = wantedScopes(forOneTool);
      const person = await personOf(call);
      try {
        return await accessOf(person, wanted, call);
      } catch (error) {
        throw refusal(server, call, linkFor(person, wanted, error));
      }
    },
    page: connectPage({
      vault,
      clock,
      sealer,
      pageUrl,
      signedIn,
      onFault,
      connected: (content) => waiting.done(content),
    }),
  };

  function wantedScopes(forOneTool: ForOneTool | undefined): readonly string[] {
    return [...new Set([...(options.scopes ?? []), ...(forOneTool?.scopes ?? [])])];
  }

  async function personOf({ authInfo }: ClientCall): Promise<string> {
    const person = await options.externalId(authInfo);
    if (typeof person === "string" && person !== "") return person;
    throw new Error(nobodyText(providerName));
  }

  async function accessOf(externalId: string, wanted: readonly string[], { signal }: ClientCall): Promise<GrantAccess> {
    const ref = { externalId, ...defined({ provider, account }) };
    const ended = signal === undefined ? {} : { signal };
    const lacking = (granted: readonly string[]): readonly string[] =>
      lackingScopes(wanted, granted, record?.canonicalScopes);
    let found = await vault.getAccessToken(ref, ended).catch(noted);
    // This process may remember a token from before a consent that another one has taken in: its person must not be asked again.
    if (lacking(found.scopes).length > 0 && lacking((await vault.grant(ref, ended).catch(noted)).scopes).length === 0) {
      const refused = tokenDigest(found.token);
      found = await vault.getAccessToken(ref, { ...ended, refused }).catch(noted);
    }
    const { grantId, scopes } = found;
    const missing = lacking(scopes);
    if (missing.length > 0) {
      const lacks = new OnbehalfError("insufficient_scope", "the grant does not cover what the tool needs", {
        hint: "ask the person for the missing scopes",
        details: { grantId, missingScopes: missing, grantedScopes: scopes },
      });
      return noted(lacks);
    }
    await waiting.done(askedFor(externalId, wanted));
    return new PersonAccess(externalId, found, (input, init) => vault.fetch({ grantId }, input, init).catch(noted));
  }

  function askedFor(externalId: string, wanted: readonly string[]): Parameters<WaitingLinks["for"]>[0] {
    return { externalId, ...defined({ provider, account }), ...(wanted.length === 0 ? {} : { scopes: wanted }) };
  }

  /**
   * The link that helps against an error.
   *
   * @throws what is to be told instead, where none does
   */
  function linkFor(externalId: string, wanted: readonly string[], error: unknown): NeededLink {
    const need = needOf(error);
    if (need === undefined) throw error;
    if (need.kind === "consent") {
      const { missingScopes } = need.consent;
      const waits = waiting.for(askedFor(externalId, [...new Set([...wanted, ...missingScopes])]), clock.now());
      return { waits, ask: askText(providerName, need.consent, options.purpose) };
    }
    if (need.kind === "later") throw new Error(laterText(providerName, need.retryAfterMs), { cause: error });
    onFault(error);
    throw new Error(operatorText(providerName, need.code), { cause: error });
  }

  function noted(error: unknown): never {
    if (typeof error === "object" && error !== null) fromAccess.add(error);
    throw error;
  }

  /** Whether an error came from the person's access: what a tool throws for other reasons is its own. */
  function isOurs(error: unknown): boolean {
    return typeof error === "object" && error !== null && fromAccess.has(error);
  }

  /** What is thrown to a client of the revisions that are told by an error, or that opens no links. */
  function refusal(server: McpServerLike, call: ClientCall, { waits, ask }: NeededLink): Error {
    const { url, content } = waits;
    if (call.answersByRetry || !call.opensUrls) return new Error(linkText(ask, url));
    const sdk = protocolServer(server);
    waiting.notify(waits, sdk, sdk.createElicitationCompletionNotifier(content.id));
    return new options.UrlElicitationRequiredError(
      [{ mode: "url", elicitationId: content.id, url, message: ask }],
      ask,
    );
  }

  /** The access of somebody who has said that they open the link. They may take a minute. */
  async function afterAccepting(
    externalId: string,
    wanted: readonly string[],
    call: ClientCall,
    { done }: WaitingLink,
  ): Promise<GrantAccess> {
    for (let waitedMs = 0; ; waitedMs += pollMs) {
      call.signal?.throwIfAborted();
      try {
        return await accessOf(externalId, wanted, call);
      } catch (error) {
        linkFor(externalId, wanted, error);
        if (waitedMs >= acceptedWaitSeconds * 1_000) throw new Error(notYetText(providerName), { cause: error });
      }
      await Promise.race([done, pause(pollMs)]);
    }
  }
}

/** What SDK 2's `inputRequired` builds of an elicitation: a result that asks the client for something, and to call again. */
function inputRequired(key: string, { waits, ask }: NeededLink): object {
  const request = { method: "elicitation/create", params: { mode: "url", url: waits.url, message: ask } };
  return { resultType: "input_required", inputRequests: { [key]: request } };
}

/** A link that helps, and what to say about it. */
interface NeededLink {
  readonly waits: WaitingLink;
  readonly ask: string;
}
