/** What connect links need to be tried in a browser: the service, the provider's stand-in, and an app, each on an origin of its own. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  fixedClock,
  generateMasterKey,
  google,
  keyringFromKeys,
  oauth2,
  openVault,
  type Grant,
  type MovableClock,
} from "../../src/index.ts";
import { startServer } from "../../src/service/index.ts";
import { type LogEntry } from "../../src/standin/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { freePort } from "../support/free-port.ts";
import { testStandin } from "../support/test-standin.ts";
import { type ConnectApp, startConnectApp } from "./connect-app.ts";

export interface ConnectFixture {
  readonly app: ConnectApp;
  readonly clock: MovableClock;
  /** Origins. */
  readonly service: string;
  readonly provider: string;
  /** An authorization server that sends people on to the other provider, and asks there in that one's name. */
  readonly otherProvider: string;
  /** Token requests that it was sent. */
  readonly otherExchanges: string[];
  /** Unexpected errors of the service. */
  readonly faults: unknown[];
  /** Those that are in use. */
  grants(): Promise<readonly Grant[]>;
  /** Whether there is none. */
  nothingStored(): Promise<boolean>;
  /** Codes that the provider was sent since then. */
  exchanges(): readonly LogEntry[];
  /** Authorization requests that the provider was sent since then. */
  askedProvider(): readonly LogEntry[];
  /**
   * Lets one browser come to an end outside: what the provider sends it back with does not reach the service.
   *
   * @returns the address that it was sent back to
   */
  stoppedCallback(comeBack: () => Promise<void>): Promise<string>;
  /** Makes a link, as the app's backend. */
  link(body: Record<string, unknown>): Promise<{ readonly status: number; readonly error?: string }>;
  /** Finishes a link, as the app's backend. */
  finish(id: string, body: Record<string, unknown>): Promise<{ readonly status: number; readonly error?: string }>;
  /** From here on only what is new counts, and nobody is known to the provider. */
  forget(): Promise<void>;
  close(): Promise<void>;
}

export async function startConnectFixture(): Promise<ConnectFixture> {
  const clock = fixedClock(Date.now());
  const [standin, folder, port] = await Promise.all([
    testStandin({ clock }),
    mkdtemp(join(tmpdir(), "onbehalf-")),
    freePort(),
  ]);
  const { clientId, clientSecret } = standin;
  const service = `http://localhost:${String(port)}`;
  const otherExchanges: string[] = [];
  const other = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://other");
    if (pathname === "/token") otherExchanges.push(request.url ?? "");
    searchParams.set("client_id", clientId);
    searchParams.set("scope", "openid email");
    response.writeHead(302, { location: `${standin.url}/o/oauth2/v2/auth?${searchParams.toString()}` }).end();
  });
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const otherProvider = `http://127.0.0.1:${String((other.address() as AddressInfo).port)}`;
  const vault = await openVault({
    providers: [
      google({ clientId, clientSecret, baseUrl: standin.url }),
      oauth2({
        name: "other",
        authorizationEndpoint: `${otherProvider}/authorize`,
        tokenEndpoint: `${otherProvider}/token`,
        clientId: "client-1",
        clientSecret: "secret-1",
        identity: "none",
        scopes: ["read"],
      }),
    ],
    store: sqlite(join(folder, "grants.db")),
    keyring: keyringFromKeys(generateMasterKey()),
    clock,
  });
  const faults: unknown[] = [];
  let hold: ((address: string) => void) | undefined;
  const app = await startConnectApp((path, body) => ask(path, body));
  const server = await startServer(vault, {
    port,
    publicUrl: service,
    returnUrls: [app.returnUrl],
    appName: "Notes",
    onFault: (fault) => faults.push(fault),
    before: (request) => {
      const { pathname } = new URL(request.url);
      if (hold !== undefined && pathname === "/connect/callback") {
        hold(request.url);
        return new Response("<title>held</title>", { headers: { "content-type": "text/html" } });
      }
      return undefined;
    },
  });
  const { key } = await vault.callers.create("app", { allow: ["connect"] });
  const ask = (path: string, body: Record<string, unknown>): Promise<Response> =>
    fetch(service.replace("localhost", "127.0.0.1") + path, {
      method: "POST",
      headers: { authorization: `Bearer ${key.expose()}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  let seen = 0;
  const newEntries = (path: string): readonly LogEntry[] =>
    standin.log().entries.filter((entry) => entry.seq > seen && entry.path === path);
  const grants = async (): Promise<readonly Grant[]> =>
    (await vault.grants()).grants.filter(({ state }) => state !== "revoked");
  const said = async (answer: Response): Promise<{ readonly status: number; readonly error?: string }> => ({
    ...((await answer.json()) as { readonly error?: string }),
    status: answer.status,
  });
  return {
    app,
    clock,
    service,
    provider: standin.url,
    otherProvider,
    otherExchanges,
    faults,
    grants,
    nothingStored: async () => (await grants()).length === 0,
    exchanges: () => newEntries("/token"),
    askedProvider: () => newEntries("/o/oauth2/v2/auth"),
    stoppedCallback: async (comeBack) => {
      const address = new Promise<string>((resolve) => (hold = resolve));
      await comeBack();
      const held = await address;
      hold = undefined;
      return held;
    },
    link: async (body) => said(await ask("/v1/connect", { provider: "google", ...body })),
    finish: async (id, body) => said(await ask(`/v1/connect/${id}/finish`, body)),
    forget: async () => {
      for (const email of ["ada@example.com", "carl@example.com"]) standin.revoke(email);
      for (const { grantId } of (await vault.grants()).grants) await vault.revoke({ grantId });
      seen = standin.log().entries.at(-1)?.seq ?? 0;
    },
    close: async () => {
      await Promise.all([server.close(), app.close()]);
      other.close();
      other.closeAllConnections();
      await Promise.all([vault.close(), standin.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
