/** The provider of a run, as the run sees it: starts the stand-in in a process of its own, and speaks to it over HTTP. */
import { fork } from "node:child_process";
import type { LogEntry, LogPage } from "../../src/standin/index.ts";
import type { ProviderSettings } from "./standin.ts";

/** A parameter that marks requests of the tool itself, which say nothing about the services. */
const testRequest = "test_request";

export interface ProviderProcess {
  readonly url: string;
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
    exchanges,
    async code(email) {
      const { code } = (await control("code", {
        kind: "native",
        email,
        scope: "openid email profile",
        force: true,
      })) as {
        code: string;
      };
      return code;
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
      const response = await fetch(`${url}/v1/userinfo`, { headers: { authorization: `Bearer ${accessToken}` } });
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
