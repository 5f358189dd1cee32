import { createServer } from "node:http";
import type { IncomingHttpHeaders, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { fixedClock, generateMasterKey, keyringFromKeys, oidc, openVault } from "../../src/index.ts";
import type {
  ExchangeCodeOptions,
  Grant,
  MovableClock,
  OidcOptions,
  Provider,
  Secret,
  Vault,
  VaultEvent,
  VaultOptions,
} from "../../src/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { ellipticMinter, minted } from "../oauth/minting.ts";

/** What a provider answers. */
export interface BentAnswer {
  /** 200 by default. */
  readonly status?: number;
  /** Beside `content-type: application/json` and `date` by the provider's clock, or instead of them. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, in place of `body`. */
  readonly text?: string | Uint8Array;
  /** The connection is cut after so many bytes of the body, although more were announced. */
  readonly cutAfter?: number;
  /** False: what was sent still works, although the status says success. */
  readonly spends?: boolean;
}

/** A request that came. */
export interface BentRequest {
  readonly path: string;
  readonly form: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  /** As it came. */
  readonly body: string;
  /** Whose code or refresh token it carries, where the token endpoint knows it. */
  readonly subject?: string | undefined;
}

/** The members of an answer, or of claims, as they would be if nobody bent them. */
export type Members = Record<string, unknown>;

type Bent<T> = T | Promise<T>;

/** How answers differ from healthy ones. Undefined from a function: the answer is healthy. */
export interface Bend {
  /**
   * The answer of the token endpoint.
   *
   * @param answer the healthy answer's members, a copy that may be changed
   */
  token?(answer: Members, request: BentRequest): Bent<BentAnswer | undefined>;
  /** The answer of the revocation endpoint. */
  revoke?(request: BentRequest): Bent<BentAnswer | undefined>;
  /** The answer at `jwks_uri`. */
  jwks?(): Bent<BentAnswer | undefined>;
  /** Members of the discovery document that are added or replaced; those that are undefined are left out. */
  discovery?(url: string): Members;
  /** The answer at `/userinfo`. By default it names the person of the token as `id`. */
  userinfo?(request: BentRequest): Bent<BentAnswer | undefined>;
  /** Claims of the ID token that are added or replaced; those that are undefined are left out. */
  claims?(url: string, request: BentRequest): Members;
}

export interface BentOptions {
  /** A refresh token works once, and so does a code: whatever had an answer of success is `invalid_grant` from then on. */
  readonly strict?: boolean;
  /** Refreshes bring an ID token as well. By default only codes do. */
  readonly idTokenAtRefresh?: boolean;
  /** What differs in our record of the provider. */
  readonly provider?: Partial<OidcOptions>;
  /** Whether codes bring an ID token although there is a {@link record}. */
  readonly idToken?: boolean;
  /** A record in place of the one of `oidc`. No ID token comes then. */
  readonly record?: (url: string) => Provider;
  /** What differs in `openVault`. By default the store is in memory. */
  readonly vault?: Partial<VaultOptions>;
}

/** A provider on 127.0.0.1 whose answers a test can bend, and a vault that knows it. Both are gone after the test. */
export interface BentProvider {
  readonly url: string;
  /** May be replaced at any time; what it says counts from the next request on. */
  bend: Bend;
  readonly clock: MovableClock;
  readonly vault: Vault;
  readonly provider: Provider;
  readonly key: Secret;
  /** The events of every vault, in order. */
  readonly events: VaultEvent[];
  /** Every request, in order. */
  readonly requests: BentRequest[];
  /** How many requests a path has had. */
  count(path: string): number;
  /** Opens one more vault with the same key, provider and clock; by default over a store of its own in memory. */
  open(options?: Partial<VaultOptions>): Promise<Vault>;
  /**
   * Exchanges a code with the scopes `openid files`, as from a web page.
   *
   * @param code what stands before its first `/` is the subject; a code without a slash is of `someone`
   */
  connect(code?: string, more?: Partial<ExchangeCodeOptions>): Promise<Grant>;
}

/** Shared by all providers here: making keys takes long. */
const signingKey = ellipticMinter("k");

/**
 * Starts the provider. Its tokens are `at-1`, `rt-1` and so on, counted over all answers; each is good for an hour and
 * its scope is `openid files`. Both kinds of exchange bring a refresh token.
 */
export async function bentProvider(t: TestContext, bend: Bend = {}, options: BentOptions = {}): Promise<BentProvider> {
  const clock = fixedClock("2026-11-22T00:00:00Z");
  const requests: BentRequest[] = [];
  const events: VaultEvent[] = [];
  const vaults: Vault[] = [];
  /** Whose refresh token it is. */
  const subjects = new Map<string, string>();
  /** Whose access token it is. */
  const people = new Map<string, string>();
  /** Codes and refresh tokens that had an answer of success. */
  const spent = new Set<string>();
  let count = 0;

  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const path = new URL(incoming.url ?? "", url).pathname;
      const body = Buffer.concat(chunks).toString();
      const form = Object.fromEntries(new URLSearchParams(body));
      const request = { path, form, headers: incoming.headers, body };
      requests.push(request);
      answerTo(request).then(
        (answer) => send(outgoing, { ...answer, headers: { date: dateNow(), ...answer.headers } }),
        (error: unknown) => send(outgoing, { status: 500, body: { error: String(error) } }),
      );
    });
  });
  const url = await listen(server);
  t.after(async () => {
    await Promise.all(vaults.map((vault) => vault.close()));
    server.closeAllConnections();
    server.close();
  });

  const clientId = options.provider?.clientId ?? "cid";
  const provider =
    options.record?.(url) ?? oidc({ name: "bent", issuer: url, clientSecret: "s3cret", ...options.provider, clientId });
  const key = generateMasterKey();

  const dateNow = (): string => new Date(clock.now()).toUTCString();

  async function answerTo(request: BentRequest): Promise<BentAnswer> {
    const { path } = request;
    if (/\/(?:openid-configuration|oauth-authorization-server)$/.test(path)) return { body: discoveryDocument() };
    if (path === "/jwks") return (await bent.bend.jwks?.()) ?? { body: { keys: [signingKey.jwk] } };
    if (path === "/revoke") return (await bent.bend.revoke?.(request)) ?? { body: {} };
    if (path === "/token") return tokenEndpoint(request);
    if (path === "/userinfo") return (await bent.bend.userinfo?.(request)) ?? userinfo(request);
    return { status: 404, body: {} };
  }

  function userinfo({ headers }: BentRequest): BentAnswer {
    const id = people.get(headers.authorization?.replace("Bearer ", "") ?? "");
    return id === undefined ? { status: 401, body: { message: "Bad credentials" } } : { body: { id, name: "Ada" } };
  }

  function discoveryDocument(): Members {
    return {
      issuer: url,
      authorization_endpoint: `${url}/authorize`,
      token_endpoint: `${url}/token`,
      jwks_uri: `${url}/jwks`,
      revocation_endpoint: `${url}/revoke`,
      ...bent.bend.discovery?.(url),
    };
  }

  async function tokenEndpoint(request: BentRequest): Promise<BentAnswer> {
    const { form } = request;
    const isCode = form["grant_type"] === "authorization_code";
    const sent = (isCode ? form["code"] : form["refresh_token"]) ?? "";
    const subject = isCode ? subjectOf(sent) : subjects.get(sent);
    const isSpent = spent.has(sent) || subject === undefined;
    if (options.strict === true && isSpent) return { status: 400, body: { error: "invalid_grant" } };
    count += 1;
    const refreshToken = `rt-${count}`;
    const healthy: Members = {
      access_token: `at-${count}`,
      token_type: "Bearer",
      expires_in: 3600,
      refresh_token: refreshToken,
      scope: "openid files",
    };
    people.set(`at-${count}`, subject ?? "someone");
    if ((options.record === undefined || options.idToken === true) && (isCode || options.idTokenAtRefresh === true)) {
      const now = Math.floor(clock.now() / 1000);
      const claims = { iss: url, aud: clientId, sub: subject, iat: now, exp: now + 3600 };
      healthy["id_token"] = minted(signingKey, { ...claims, ...bent.bend.claims?.(url, request) });
    }
    const answer = (await bent.bend.token?.({ ...healthy }, { ...request, subject })) ?? { body: healthy };
    if (answer.spends ?? (answer.status ?? 200) < 300) {
      spent.add(sent);
      subjects.set(refreshToken, subject ?? "someone");
    }
    return answer;
  }

  async function open(more: Partial<VaultOptions> = {}): Promise<Vault> {
    const vault = await openVault({
      provider,
      store: sqlite(":memory:"),
      keyring: keyringFromKeys(key),
      clock,
      onEvent: (event) => events.push(event),
      ...more,
    });
    vaults.push(vault);
    return vault;
  }

  const bent = {
    url,
    bend,
    clock,
    provider,
    key,
    events,
    requests,
    open,
    count: (path: string) => requests.filter((request) => request.path === path).length,
  };
  const vault = await open(options.vault);
  return Object.assign(bent, {
    vault,
    connect: (code = "c", more: Partial<ExchangeCodeOptions> = {}) =>
      vault.exchangeCode({
        code,
        source: "web-redirect",
        redirectUri: "https://app.example/cb",
        scopes: ["openid", "files"],
        ...more,
      }),
  });
}

function subjectOf(code: string): string {
  const [before = "", after] = code.split("/", 2);
  return after === undefined ? "someone" : before;
}

function send(outgoing: ServerResponse, { status = 200, headers, body, text, cutAfter }: BentAnswer): void {
  const bytes = Buffer.from(text ?? JSON.stringify(body ?? {}));
  outgoing.writeHead(status, { "content-type": "application/json", "content-length": bytes.length, ...headers });
  if (cutAfter === undefined) outgoing.end(bytes);
  else {
    // The head and these bytes arrive, and then the connection ends. Nothing tells when no bytes have been written.
    outgoing.flushHeaders();
    const cut = (): unknown => outgoing.socket?.end(() => outgoing.destroy());
    if (cutAfter === 0) cut();
    else outgoing.write(bytes.subarray(0, cutAfter), cut);
  }
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}
