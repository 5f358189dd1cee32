import { createHash, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

/** An answer of the server. A text body is sent as it is, anything else as JSON. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface Asked {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

type Members = Readonly<Record<string, unknown>>;

interface Registered {
  readonly secret?: string;
  readonly redirectUris: readonly string[];
}

/**
 * An MCP server with an authorization server beside it, on one port of this machine. `answers` has what it says at a path
 * in place of its own answer; it may be changed at any time.
 */
export interface TestMcpServer {
  readonly origin: string;
  /** The URL of the MCP server. */
  readonly server: string;
  readonly issuer: string;
  readonly asked: Asked[];
  readonly answers: Map<string, Answer | ((asked: Asked) => Answer | Promise<Answer>)>;
  /** The document of the MCP server, changed. */
  resource(changes: Members): Answer;
  /** The document of the authorization server, changed. A member that is undefined is left out. */
  metadata(changes: Members): Answer;
  readonly clients: Map<string, Registered>;
  /** A code for a client, whose sign-in was started with this verifier. */
  code(clientId: string, verifier: string): string;
  /** A code for the sign-in of an authorization request. */
  codeFor(request: URL): string;
  /** Makes every token that was given out one that is not known. */
  revokeAll(): void;
  /** Requests to a path, without its query, in order. */
  to(path: string): Asked[];
}

export const verifier = "v".repeat(43);

/** Starts one. It is gone after the test. */
export async function testMcpServer(
  t: TestContext,
  { path = "/mcp", issuerPath = "" }: { readonly path?: string; readonly issuerPath?: string } = {},
): Promise<TestMcpServer> {
  const codes = new Map<string, { clientId: string; challenge: string }>();
  const refreshTokens = new Map<string, string>();
  const accessTokens = new Set<string>();
  const asked: Asked[] = [];
  const answers: TestMcpServer["answers"] = new Map();
  const clients: TestMcpServer["clients"] = new Map();

  const http = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      const one = { method, path: url, headers, body: Buffer.concat(chunks).toString() };
      asked.push(one);
      const given = answers.get(url.split("?")[0] ?? "");
      void Promise.resolve(typeof given === "function" ? given(one) : (given ?? own(one))).then((answer) => {
        const { status = 200, headers: sent = {}, body = {} } = answer;
        const isText = typeof body === "string";
        response.writeHead(status, { "content-type": isText ? "text/html" : "application/json", ...sent });
        response.end(isText ? body : JSON.stringify(body));
      });
    });
  });
  await new Promise<void>((done) => {
    http.listen(0, "127.0.0.1", done);
  });
  t.after(() => {
    http.closeAllConnections();
    http.close();
  });
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const server = `${origin}${path === "/" ? "" : path}`;
  const issuer = `${origin}${issuerPath}`;
  const resourcePath = `/.well-known/oauth-protected-resource${path === "/" ? "" : path}`;

  const resource = (changes: Members): Answer => ({
    body: { resource: server, authorization_servers: [issuer], scopes_supported: ["tools"], ...changes },
  });
  const metadata = (changes: Members): Answer => ({
    body: {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      revocation_endpoint: `${issuer}/revoke`,
      registration_endpoint: `${issuer}/register`,
      response_types_supported: ["code"],
      code_challenge_methods_supported: ["S256"],
      token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
      authorization_response_iss_parameter_supported: true,
      ...changes,
    },
  });

  function register({ body }: Asked): Answer {
    const given = JSON.parse(body) as Record<string, unknown>;
    const clientId = `client-${randomUUID()}`;
    const secret = given["token_endpoint_auth_method"] === "none" ? undefined : `secret-${randomUUID()}`;
    clients.set(clientId, {
      ...(secret === undefined ? {} : { secret }),
      redirectUris: given["redirect_uris"] as string[],
    });
    const withSecret = secret === undefined ? {} : { client_secret: secret, client_secret_expires_at: 0 };
    const token = { registration_access_token: `rat-${randomUUID()}`, registration_client_uri: `${issuer}/register/1` };
    return { status: 201, body: { ...given, client_id: clientId, ...withSecret, ...token } };
  }

  /** The client that a request comes from; undefined where it is not known, or cannot prove it. */
  function clientOf({ headers, body }: Asked): string | undefined {
    const form = new URLSearchParams(body);
    const basic = /^Basic (.+)$/.exec(headers.authorization ?? "")?.[1];
    const [user, password] = basic === undefined ? [] : atob(basic).split(":").map(decodeURIComponent);
    const clientId = user ?? form.get("client_id") ?? "";
    const client = clients.get(clientId);
    const secret = password ?? form.get("client_secret") ?? undefined;
    return client !== undefined && client.secret === secret ? clientId : undefined;
  }

  function tokens(clientId: string): Answer {
    const [accessToken, refreshToken] = [`at-${randomUUID()}`, `rt-${randomUUID()}`];
    accessTokens.add(accessToken);
    refreshTokens.set(refreshToken, clientId);
    return {
      body: { access_token: accessToken, refresh_token: refreshToken, token_type: "Bearer", expires_in: 3600 },
    };
  }

  function token(one: Asked): Answer {
    const refused = (error: string): Answer => ({ status: error === "invalid_client" ? 401 : 400, body: { error } });
    const clientId = clientOf(one);
    const form = new URLSearchParams(one.body);
    if (clientId === undefined) return refused("invalid_client");
    if (form.get("resource") !== server) return refused("invalid_target");
    if (form.get("grant_type") === "refresh_token") {
      const refreshToken = form.get("refresh_token") ?? "";
      if (refreshTokens.get(refreshToken) !== clientId) return refused("invalid_grant");
      refreshTokens.delete(refreshToken);
      return tokens(clientId);
    }
    const code = codes.get(form.get("code") ?? "");
    codes.delete(form.get("code") ?? "");
    const challenge = challengeOf(form.get("code_verifier") ?? "");
    if (code?.clientId !== clientId || code.challenge !== challenge) return refused("invalid_grant");
    return tokens(clientId);
  }

  function newCode(clientId: string, challenge: string): string {
    const code = `code-${randomUUID()}`;
    codes.set(code, { clientId, challenge });
    return code;
  }

  function own(one: Asked): Answer {
    const where = one.path.split("?")[0];
    if (where === path) {
      const bearer = /^Bearer (.+)$/.exec(one.headers.authorization ?? "")?.[1];
      if (bearer !== undefined && accessTokens.has(bearer)) return { body: { jsonrpc: "2.0", id: 1, result: {} } };
      return { status: 401, headers: { "www-authenticate": 'Bearer realm="mcp"' } };
    }
    if (where === resourcePath) return resource({});
    if (where === `/.well-known/oauth-authorization-server${issuerPath}`) return metadata({});
    if (where === `${issuerPath}/register`) return register(one);
    if (where === `${issuerPath}/token`) return token(one);
    if (where === `${issuerPath}/revoke`) {
      const form = new URLSearchParams(one.body);
      refreshTokens.delete(form.get("token") ?? "");
      accessTokens.clear();
      return {};
    }
    return { status: 404, body: "<p>not here</p>" };
  }

  return {
    origin,
    server,
    issuer,
    asked,
    answers,
    resource,
    metadata,
    clients,
    code: (clientId, codeVerifier) => newCode(clientId, challengeOf(codeVerifier)),
    codeFor: ({ searchParams: query }) => newCode(query.get("client_id") ?? "", query.get("code_challenge") ?? ""),
    revokeAll() {
      accessTokens.clear();
      refreshTokens.clear();
    },
    to: (wanted) => asked.filter((one) => one.path.split("?")[0] === wanted),
  };
}

function challengeOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
