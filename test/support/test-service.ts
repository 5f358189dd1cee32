import { connect } from "node:net";
import type { TestContext } from "node:test";
import { fixedClock } from "../../src/index.ts";
import type { Grant, Permission, Store, Vault, VaultOptions } from "../../src/index.ts";
import { startServer } from "../../src/service/index.ts";
import type { RunningServer, ServerOptions } from "../../src/service/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { testVault } from "./test-vault.ts";
import type { TestVault, SharedStandin } from "./test-vault.ts";
import { permissions } from "../../src/vault/http/callers.ts";

/** A service over a test vault, on a socket of its own. */
export interface TestService {
  readonly fixture: TestVault;
  readonly vault: Vault;
  /** A test that closes it takes the store away from the service, until it opens it again. */
  readonly store: Store;
  readonly server: RunningServer;
  readonly url: string;
  /** A caller's key with every permission. */
  readonly key: string;
  /** Unexpected errors of the service: there must be none. */
  readonly faults: unknown[];
  /** A caller's key with these permissions only. */
  keyFor(...allow: Permission[]): Promise<string>;
  /** Asks with the key; another `authorization` header wins, an empty one sends none. */
  ask(path: string, init?: Asking): Promise<Response>;
  /** A grant, as a phone's sign-in makes it; of somebody new unless told whose. */
  grant(email?: string, scope?: string): Promise<Grant>;
}

export interface Asking extends Omit<RequestInit, "headers"> {
  headers?: Record<string, string>;
}

let people = 0;

/**
 * @param options of the server, and `vault`'s own. Without `metrics` it counts nothing: metrics go on measuring the
 *   process after the test, ten times a second each.
 */
export async function testService(
  t: TestContext,
  {
    shared,
    vault: vaultOptions,
    ...options
  }: ServerOptions & { shared?: SharedStandin; vault?: Partial<VaultOptions> } = {},
): Promise<TestService> {
  const fixture = await testVault(t, shared === undefined ? { clock: fixedClock("2026-11-22T00:00:00Z") } : { shared });
  const store = sqlite(fixture.path);
  const vault = await fixture.open({
    store,
    ...vaultOptions,
    onEvent: (event) => {
      fixture.events.push(event);
      options.metrics?.onEvent(event);
    },
  });
  const faults: unknown[] = [];
  const server = await startServer(vault, {
    port: 0,
    // What requests over bare sockets name.
    allowedHosts: ["x"],
    onFault: (fault) => faults.push(fault),
    ...options,
  });
  t.after(() => server.close());
  const { key } = await vault.callers.create("all", { allow: permissions });
  let made = 0;
  return {
    fixture,
    vault,
    store,
    server,
    url: server.url,
    key: key.expose(),
    faults,
    keyFor: async (...allow) => (await vault.callers.create(`caller-${(made += 1)}`, { allow })).key.expose(),
    ask: (path, { headers, ...init } = {}) => {
      const sent = { authorization: `Bearer ${key.expose()}`, ...headers };
      return fetch(server.url + path, {
        redirect: "manual",
        ...init,
        headers: Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== "")),
      });
    },
    grant: (email, scope) =>
      vault.exchangeCode({ code: fixture.code(email ?? `someone${(people += 1)}@example.com`, scope) }),
  };
}

/** What came back over a bare socket. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/**
 * Sends bytes as they are, and reads until the other side closes. The result is empty when nothing came back.
 *
 * @param end closes our side after the bytes: nothing more will come
 */
export async function raw(
  url: string,
  bytes: string | Buffer,
  { end = false }: { readonly end?: boolean } = {},
): Promise<RawAnswer[]> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  await new Promise<void>((resolve) => {
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    // A reset ends the reading, too: the test looks at what came before it.
    socket.on("error", () => resolve());
    socket.on("close", () => resolve());
    socket.on("connect", () => (end ? socket.end(bytes) : socket.write(bytes)));
  });
  return answersIn(Buffer.concat(chunks));
}

/** One request over a bare socket, with a target that no client library would send. */
export async function rawRequest(
  url: string,
  target: string,
  {
    method = "GET",
    headers = {},
    body = "",
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<RawAnswer> {
  const lines = Object.entries({ host: new URL(url).host, connection: "close", ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const [answer] = await raw(
    url,
    Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n${body}`, "latin1"),
  );
  if (answer === undefined) throw new Error("there was no answer");
  return answer;
}

function answersIn(bytes: Buffer): RawAnswer[] {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return [];
  const [start = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const headers = new Headers();
  for (const line of lines) headers.append(line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim());
  const status = Number(start.split(" ")[1]);
  const rest = bytes.subarray(end + 4);
  const { body, length } = bodyOf(rest, headers);
  return [{ status, headers, body: body.toString("utf8") }, ...answersIn(rest.subarray(length))];
}

function bodyOf(rest: Buffer, headers: Headers): { body: Buffer; length: number } {
  if (headers.get("transfer-encoding") !== "chunked") {
    const length = Number(headers.get("content-length") ?? rest.length);
    return { body: rest.subarray(0, length), length };
  }
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const line = rest.indexOf("\r\n", at);
    const size = Number.parseInt(rest.toString("latin1", at, line), 16);
    at = line + 2 + size + 2;
    if (!(size > 0)) return { body: Buffer.concat(parts), length: at };
    parts.push(rest.subarray(line + 2, line + 2 + size));
  }
}
