/** The provider of a run, as the run sees it: starts the stand-in in a process of its own, and speaks to it over HTTP. */
import { fork } from "node:child_process";
import { google, oauth2 } from "../../src/index.ts";
import type { Provider } from "../../src/index.ts";
import type { LogEntry, LogPage } from "../../src/standin/index.ts";
import type { ProviderSettings } from "./standin.ts";

/** A parameter that marks requests of the tool itself, which say nothing about the services. */
const testRequest = "test_request";

/** Where the codes of the second provider go. */
const redirectUri = "http://127.0.0.1:1/callback";

export interface ProviderProcess {
  readonly url: string;
  /** How services are told of it. */
  readonly record: Provider;
  /** What is sent to a service together with a code. */
  readonly exchange: Readonly<Record<"source" | "redirect_uri" | "provider", string>>;
  readonly pid: number | undefined;
  readonly clientId: string;
  readonly clientSecret: string;
  code(email: string): Promise<string>;
  settings(changes: Record<string, unknown>): Promise<void>;
  fault(fault: Record<string, unknown>): Promise<void>;
  clearFaults(): Promise<void>;
  /** All requests of services to its token endpoint since the run began, and what it answered. */
  exchanges(): Promise<readonly LogEntry[]>;
  /** Whether its API accepts an access token. */
  accepts(accessToken: string): Promise<boolean>;
  /** Whether a refresh token still works. Where tokens rotate, this uses it up. */
  refreshes(refreshToken: string): Promise<boolean>;
  close(): Promise<void>;
}

export async function startProvider(
  settings: ProviderSettings,
  environment: NodeJS.ProcessEnv = {},
): Promise<ProviderProcess> {
  const child = fork(new URL("standin.ts", import.meta.url), [JSON.stringify(settings)], {
    env: { ...process.env, ...environment },
  });
  const { url, clientId, clientSecret } = await new Promise<Record<"url" | "clientId" | "clientSecret", string>>(
    (resolve, reject) => {
      child.once("message", (message) => resolve(message as Record<"url" | "clientId" | "clientSecret", string>));
      child.once("exit", (code) => reject(new Error(`the stand-in ended with ${code}`)));
    },
  );
  const isPlain = settings.kind === "oauth2";
  const record = isPlain
    ? plainRecord({ url, clientId, clientSecret })
    : google({ clientId, clientSecret, baseUrl: url });
  const entries: LogEntry[] = [];
  let seen = 0;

  async function control(path: string, body?: unknown, method = "POST"): Promise<unknown> {
    const response = await fetch(`${url}/standin/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
    if (!response.ok) throw new Error(`the stand-in refused ${path}: ${await response.text()}`);
    return response.json();
  }
  async function exchanges(): Promise<readonly LogEntry[]> {
    const page = (await control(`log?since=${seen}`, undefined, "GET")) as LogPage;
    seen = page.entries.at(-1)?.seq ?? seen;
    entries.push(
      ...page.entries.filter(({ path, parameters }) => path === "/token" && parameters[testRequest] === undefined),
    );
    return entries;
  }
  return {
    url,
    pid: child.pid,
    clientId,
    clientSecret,
    record,
    exchange: isPlain
      ? { source: "web-redirect", redirect_uri: redirectUri, provider: record.name }
      : { source: "android", redirect_uri: "", provider: record.name },
    exchanges,
    async code(email) {
      const asked = isPlain
        ? { email, scope: "profile read", redirect_uri: redirectUri }
        : { kind: "native", email, scope: "openid email profile", force: true };
      return ((await control("code", asked)) as { code: string }).code;
    },
    async settings(changes) {
      await control("settings", changes);
    },
    async fault(fault) {
      await control("faults", fault);
    },
    async clearFaults() {
      await control("faults", undefined, "DELETE");
    },
    async accepts(accessToken) {
      const response = await fetch(`${url}${isPlain ? "/user" : "/v1/userinfo"}`, {
        headers: { authorization: `Bearer ${accessToken}` },
      });
      await response.arrayBuffer();
      return response.ok;
    },
    async refreshes(refreshToken) {
      const response = await fetch(`${url}/token`, {
        method: "POST",
        body: new URLSearchParams({
          grant_type: "refresh_token",
          refresh_token: refreshToken,
          client_id: clientId,
          client_secret: clientSecret,
          [testRequest]: "yes",
        }),
      });
      await response.arrayBuffer();
      return response.ok;
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.disconnect();
      await gone;
    },
  };
}

/** A strict provider without ID tokens. */
function plainRecord({ url, ...client }: Record<"url" | "clientId" | "clientSecret", string>): Provider {
  return oauth2({
    name: "plain",
    authorizationEndpoint: `${url}/authorize`,
    tokenEndpoint: `${url}/token`,
    revocationEndpoint: `${url}/revoke`,
    ...client,
    identity: { userinfo: `${url}/user`, subject: "id", email: "email" },
    rotation: "strict",
  });
}

/** The entry of {@link plainRecord} in a file of providers. */
export function plainEntry({ url, clientId, clientSecret }: ProviderProcess): object {
  return {
    name: "plain",
    type: "oauth2",
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    revocation_endpoint: `${url}/revoke`,
    client_id: clientId,
    client_secret: clientSecret,
    identity: { userinfo: `${url}/user`, subject: "id", email: "email" },
    rotation: "strict",
  };
}
