import type { Clock } from "../../core/clock.ts";
import { defined } from "../../core/defined.ts";
import { configurationProblems, isOnbehalfError } from "../../core/errors.ts";
import type { AnyOnbehalfError } from "../../core/errors.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import { registrationPlace } from "../../crypto/places.ts";
import { firstAuthorizationServer, readAuthorizationServer } from "../../oauth/authorization-server.ts";
import type { AuthorizationServer } from "../../oauth/authorization-server.ts";
import type { BoundedFetch } from "../../oauth/bounded-fetch.ts";
import { registerClient } from "../../oauth/client-registration.ts";
import type { ClientSource } from "../../oauth/client-source.ts";
import { readProtectedResource } from "../../oauth/protected-resource.ts";
import type { ProtectedResource } from "../../oauth/protected-resource.ts";
import { textsIn } from "../../oauth/server-document.ts";
import { metadataOf } from "../../oauth/provider-metadata.ts";
import type { Metadata } from "../../oauth/provider-metadata.ts";
import type { Client, ClientToRegister, Provider } from "../../providers/provider.ts";
import type { ClientClaim, RegisteredClientRow } from "../../store/client-store.ts";
import type { Store } from "../../store/store.ts";
import type { OnEvent } from "../events.ts";
import { clientInTheMaking, clientUnreadable } from "../errors/server-client.ts";
import { hasEnded, keptOf, keptRegistration, keptText } from "./kept-client.ts";
import type { KeptClient } from "./kept-client.ts";

/** A process that holds a claim for longer than this has died, milliseconds: what it does takes half of that. */
const claimLifeMs = 60_000;
/** How often a row is read again that another process has claimed, milliseconds. */
const claimPollMs = 200;
/** How long a client that the server does not know is kept before another may take its place, milliseconds. */
const replacedEveryMs = 600_000;
/** How long nothing is asked again after it failed, milliseconds: strangers may send codes as fast as they like. */
const failureKeptMs = 10_000;

/** What a {@link ServerClient} works with. */
export interface ServerClientOptions {
  readonly store: Store;
  /** Opens what only the keeper opens. Absent: this process reads which client it is, and no more. */
  readonly keyring?: Sealer | undefined;
  readonly clock: Clock;
  readonly emit: OnEvent;
  readonly sleep: (ms: number) => Promise<unknown>;
}

/**
 * Our client at an MCP server: which of its authorization servers is used, and as whom. The first process that needs it
 * finds that out, registers a client where none is given, and keeps the result sealed in the store for all others. From
 * then on it stays, whatever the server says, as long as a grant hangs on it: tokens and secrets go to no other server.
 */
export class ServerClient implements ClientSource {
  readonly #record: Provider;
  readonly #server: string;
  /** The client that the record gives. */
  readonly #given: Client | undefined;
  readonly #toRegister: ClientToRegister | undefined;
  readonly #options: ServerClientOptions;
  #row: RegisteredClientRow | undefined;
  #kept: KeptClient | "unreadable" | undefined;
  /** When a client was given up last that the server did not know. */
  #givenUpAt = -Infinity;
  #failure: { readonly error: unknown; readonly at: number } | undefined;
  #provider: Provider;
  onChange: () => void = () => undefined;

  constructor(record: Provider & { readonly server: string }, client: Client, options: ServerClientOptions) {
    this.#record = record;
    this.#provider = record;
    this.#server = record.server;
    this.#toRegister =
      typeof record.client === "object" && "register" in record.client ? record.client.register : undefined;
    this.#given = this.#toRegister === undefined ? client : undefined;
    this.#options = options;
  }

  get client(): Client {
    if (this.#given !== undefined) return this.#given;
    if (this.#kept !== undefined && this.#kept !== "unreadable") return this.#kept.client;
    return { clientId: this.#row?.clientId ?? "" };
  }

  get provider(): Provider {
    return this.#provider;
  }

  async look(): Promise<void> {
    this.#adopt(await this.#options.store.registeredClient(this.#record.name, this.#server));
  }

  async metadata(http: BoundedFetch): Promise<Metadata> {
    const { clock } = this.#options;
    const failure = this.#failure;
    if (failure !== undefined && Math.abs(clock.now() - failure.at) < failureKeptMs) throw failure.error;
    try {
      const found = await this.#metadata(http);
      this.#failure = undefined;
      return found;
    } catch (error) {
      if (isOnbehalfError(error) && error.code !== "store_unavailable") {
        this.#failure = { error, at: clock.now() };
        this.#tell(error);
      }
      throw error;
    }
  }

  /** Whoever has sent the code can do nothing about it. */
  #tell(error: AnyOnbehalfError): void {
    const { emit } = this.#options;
    const { name: provider } = this.#record;
    if (!isOnbehalfError(error, "client_misconfigured")) {
      emit({ type: "discovery_failed", provider, message: error.message });
      return;
    }
    const { clientId, providerError } = error.details;
    emit({ type: "client_refused", provider, clientId, error: providerError });
  }

  /** A client that was registered here is made anew, unless a grant hangs on it. Only people could bring that back. */
  async refused(): Promise<void> {
    const row = this.#row;
    if (this.#kept === undefined || this.#kept === "unreadable" || this.#kept.kind !== "registered") return;
    // Some servers blame the client for a code that is none. Whoever sends such codes must not have us register for each.
    if (Math.abs(this.#options.clock.now() - this.#givenUpAt) < replacedEveryMs) return;
    if (row === undefined || (await this.#isInUse(row.clientId, false))) return;
    this.#givenUpAt = this.#options.clock.now();
    const claim = await this.#claim(row);
    if (claim !== undefined) await this.#options.store.dropClaim(claim);
    await this.look();
  }

  async #metadata(http: BoundedFetch): Promise<Metadata> {
    await this.look();
    const kept = this.#kept;
    const row = this.#row;
    if (kept === "unreadable") throw clientUnreadable({ ...this.#record, clientId: this.#row?.clientId ?? "" });
    if (kept === undefined || !(await this.#stays(kept))) return this.#find(http, row);
    if (!(await this.#isInUse(kept.client.clientId)) && (await this.#hasMoved(kept, http)))
      return this.#find(http, row);
    // Three addresses at most, and the exchange that waits for them needs its own time.
    const each = { ...http, timeoutMs: http.timeoutMs / 3 };
    return this.#metadataOf(kept, await readAuthorizationServer(kept.issuer, each, kept.isOld));
  }

  /** Whether a client goes on being used: it is the one that the record means, or grants hang on it. */
  async #stays(kept: KeptClient): Promise<boolean> {
    const { clientId } = kept.client;
    if (this.#given !== undefined) return kept.kind === "given" && clientId === this.#given.clientId;
    if (kept.kind === "given") return false;
    const { redirectUri, documentUrl } = this.#toRegister ?? {};
    const isMeant = kept.kind === "document" ? clientId === documentUrl : !hasEnded(kept, this.#options.clock);
    return (isMeant && kept.redirectUri === redirectUri) || this.#isInUse(clientId);
  }

  /** Whether the server names other authorization servers by now. While it does not answer, it has not. */
  async #hasMoved({ issuer }: KeptClient, http: BoundedFetch): Promise<boolean> {
    try {
      const { authorizationServers } = await readProtectedResource(this.#server, this.#record.name, http);
      return !authorizationServers.includes(issuer);
    } catch (error) {
      if (!isOnbehalfError(error)) throw error;
      return false;
    }
  }

  /**
   * Whether a grant, or a code on its way to one, would be lost with a client.
   *
   * @param orSent whether codes count that were sent and have no answer yet. One that refuses the client refuses them, too
   */
  async #isInUse(clientId: string, orSent = true): Promise<boolean> {
    const { store } = this.#options;
    const all = { before: Number.MAX_SAFE_INTEGER, stepMs: 0, from: 0 };
    if ((await store.idleSlots({ clientId, ...all })).length > 0) return true;
    const open = (await store.openIntakes()).filter((intake) => intake.clientId === clientId);
    if (open.some(({ state }) => orSent || state === "answered")) return true;
    const others = [
      { state: "suspect" },
      { state: "revoking" },
      // What came too late is still to be revoked.
      { state: "revoked", withLateAnswers: true },
    ] as const;
    for (const filter of others) {
      for (let after = ""; ;) {
        const rows = await store.listGrants({ ...filter, after, limit: 100 });
        if (rows.some((row) => row.clientId === clientId)) return true;
        if (rows.length < 100) break;
        after = rows.at(-1)?.grantId ?? after;
      }
    }
    return false;
  }

  /**
   * Finds out which authorization server there is and who we are there, once for all processes.
   *
   * @param replaced the row that will not do. A look that comes meanwhile may find what another process has put in its place:
   *   to register over that would lose grants that hang on it
   */
  async #find(http: BoundedFetch, replaced: RegisteredClientRow | undefined): Promise<Metadata> {
    const { name } = this.#record;
    const resource = await readProtectedResource(this.#server, name, http);
    const found = await firstAuthorizationServer(resource.authorizationServers, http, resource.isOld);
    // What cannot work is told before anything is registered.
    const at = { issuer: found.issuer, resource: resource.resource, ...defined({ scopes: resource.scopes }) };
    this.#metadataOf({ kind: "document", ...at, client: this.#given ?? { clientId: "" } }, found);
    const another = (): KeptClient | undefined =>
      this.#kept === "unreadable" || this.#row?.changedAt === replaced?.changedAt ? undefined : this.#kept;
    for (let waitedMs = 0; waitedMs <= claimLifeMs; waitedMs += claimPollMs) {
      const kept = another();
      if (kept !== undefined) {
        return kept.issuer === found.issuer ? this.#metadataOf(kept, found) : this.#metadata(http);
      }
      const claim = await this.#claim(this.#row);
      if (claim !== undefined) return this.#metadataOf(await this.#make(claim, found, resource, http), found);
      await this.look();
      if (another() === undefined) await this.#options.sleep(claimPollMs);
    }
    throw clientInTheMaking(this.#record);
  }

  /** @returns undefined where another process holds the row, or has changed it */
  async #claim(before: RegisteredClientRow | undefined): Promise<ClientClaim | undefined> {
    const { store } = this.#options;
    const changedAt = await store.now();
    if (before?.clientId === "" && Math.abs(changedAt - before.changedAt) < claimLifeMs) return undefined;
    const claim = { provider: this.#record.name, server: this.#server, changedAt };
    return (await store.claimClient(claim, before)) ? claim : undefined;
  }

  async #make(
    claim: ClientClaim,
    found: AuthorizationServer,
    resource: ProtectedResource,
    http: BoundedFetch,
  ): Promise<KeptClient> {
    const { store, keyring } = this.#options;
    const { provider, server } = claim;
    if (keyring === undefined) throw new TypeError("only a keeper registers clients");
    try {
      const kept = await this.#register(found, resource, http);
      const { clientId } = kept.client;
      const registrationSealed = keyring.seal(keptText(kept).expose(), registrationPlace(provider, server, clientId));
      const changedAt = await store.now();
      const isKept = await store.keepClient(claim, { clientId, registrationSealed, changedAt });
      if (!isKept) throw clientInTheMaking(this.#record);
      this.#adopt({ provider, server, clientId, registrationSealed, changedAt });
      if (kept.kind === "registered") {
        this.#options.emit({ type: "client_registered", provider, clientId, issuer: kept.issuer });
      }
      return kept;
    } catch (error) {
      await store.dropClaim(claim);
      throw error;
    }
  }

  async #register(found: AuthorizationServer, resource: ProtectedResource, http: BoundedFetch): Promise<KeptClient> {
    const { issuer, document } = found;
    const at = { issuer, resource: resource.resource, ...defined({ scopes: resource.scopes, isOld: resource.isOld }) };
    const toRegister = this.#toRegister;
    if (toRegister === undefined) return { kind: "given", ...at, client: this.#given ?? { clientId: "" } };
    const { redirectUri, documentUrl, clientName } = toRegister;
    if (documentUrl !== undefined && document["client_id_metadata_document_supported"] === true) {
      return { kind: "document", ...at, redirectUri, client: { clientId: documentUrl } };
    }
    const request = { clientName, redirectUri, scopes: this.#scopesToRegister(document) };
    return keptRegistration({ ...at, redirectUri }, await registerClient(this.#record.name, found, request, http));
  }

  /**
   * Those that the record names. A client that is registered with fewer than a sign-in asks for later would be refused, so
   * that without them nothing is said.
   */
  #scopesToRegister(document: Readonly<Record<string, unknown>>): readonly string[] | undefined {
    const { scopes } = this.#record;
    const offline = textsIn(document, "scopes_supported")?.includes("offline_access") === true;
    return scopes === undefined || !offline ? scopes : [...new Set([...scopes, "offline_access"])];
  }

  /** @throws {OnbehalfError} `configuration_invalid`: the document says what we cannot work with */
  #metadataOf(kept: KeptClient, { issuer, document }: AuthorizationServer): Metadata {
    const { authentication, client } = kept;
    // A server knows how it has registered a client, whatever its document lists.
    const known = authentication === undefined ? client : { clientId: client.clientId };
    const found = metadataOf(document, { ...this.#record, issuer }, this.#given ?? known);
    if ("problems" in found) {
      const [first] = found.problems;
      throw configurationProblems(
        found.problems.map(({ problem }) => `the document of the authorization server ${issuer} ${problem}`),
        first.hint,
      );
    }
    const scopes = this.#record.scopes ?? kept.scopes;
    return {
      ...found,
      ...(scopes === undefined ? {} : { scopes }),
      ...(authentication === undefined ? {} : { authentication, revocationAuthentication: authentication }),
    };
  }

  #adopt(row: RegisteredClientRow | undefined): void {
    const isSame = row?.changedAt === this.#row?.changedAt && row?.clientId === this.#row?.clientId;
    // One that does not open may do so once this process has the store's newest data key.
    if (isSame && this.#kept !== "unreadable") return;
    this.#row = row;
    this.#kept = this.#opened(row);
    const resource = typeof this.#kept === "object" ? this.#kept.resource : this.#server;
    this.#provider = { ...this.#record, resource };
    this.onChange();
  }

  #opened(row: RegisteredClientRow | undefined): KeptClient | "unreadable" | undefined {
    const { keyring } = this.#options;
    if (keyring === undefined || row === undefined || row.registrationSealed === null || row.clientId === "")
      return undefined;
    const text = keyring.open(row.registrationSealed, registrationPlace(row.provider, row.server, row.clientId));
    return text === undefined ? "unreadable" : keptOf(text);
  }
}
