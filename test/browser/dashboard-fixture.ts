/** A service with a dashboard, grants in every state over it, and what none of its answers may show. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fixedClock, generateMasterKey, google, keyringFromKeys, oauth2, openVault } from "../../src/index.ts";
import type { Grant, MovableClock, Vault } from "../../src/index.ts";
import { dashboardLink } from "../../src/service/http/dashboard/link.ts";
import { startServer } from "../../src/service/index.ts";
import { startStandin } from "../../src/standin/index.ts";
import type { OAuth2Standin, Standin } from "../../src/standin/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { testStandin } from "../support/test-standin.ts";
import { usualScope } from "../support/test-vault.ts";

/** The longest names that an app and a provider may think of. */
export const longNames = {
  externalId: "auth0|64f1c0ffee0123456789abcdef0123456789@tenant-of-the-second-largest-customer/eu-west-1",
  account: "Zweitkonto_der_Verwaltungsgemeinschaft_Neustadt_an_der_Weinstraße",
  email: "maximiliane.von-und-zu-hohenstein-langenburg@verwaltung.beispielgesellschaft-mit-langem-namen.example",
};

/** A service whose dashboard is looked at. */
export interface DashboardFixture {
  readonly url: string;
  readonly vault: Vault;
  readonly standin: Standin;
  /** The provider `ledger`, which replaces each refresh token. */
  readonly ledger: OAuth2Standin;
  readonly clock: MovableClock;
  /** Unexpected errors of the service. */
  readonly faults: unknown[];
  /** Tokens, keys and secrets that the service holds, each with its kind. */
  readonly secrets: Map<string, string>;
  /** The grants that {@link DashboardFixture.fill} made, by the app's user id. */
  readonly grants: Map<string, Grant>;
  /** A link that lets one browser in. */
  link(role?: "operator" | "reader"): Promise<string>;
  /** Makes grants that live, and die for many reasons, over two weeks. */
  fill(): Promise<void>;
  close(): Promise<void>;
}

const hourMs = 3_600_000;

/** The part of a token endpoint's answer that nobody may see. */
const tokenMembers = ["access_token", "refresh_token", "id_token"] as const;

export async function startDashboardFixture(): Promise<DashboardFixture> {
  const clock = fixedClock("2026-11-22T09:40:00Z");
  const [standin, other, folder] = await Promise.all([
    testStandin({ clock }),
    startStandin({ kind: "oauth2", clock }),
    mkdtemp(join(tmpdir(), "onbehalf-")),
  ]);
  const secrets = new Map<string, string>();
  const { clientId, clientSecret } = standin;
  const masterKey = generateMasterKey();
  secrets.set("master key", masterKey.expose());
  secrets.set("client secret", clientSecret);
  secrets.set("client secret of the other provider", other.clientSecret);
  const heard: { vault?: Vault } = {};
  const vault = await openVault({
    providers: [
      { ...google({ clientId, clientSecret, baseUrl: standin.url }), scopes: usualScope.split(" ") },
      oauth2({
        name: "ledger",
        authorizationEndpoint: `${other.url}/authorize`,
        tokenEndpoint: `${other.url}/token`,
        clientId: other.clientId,
        clientSecret: other.clientSecret,
        identity: "none",
        scopes: ["read", "write"],
      }),
    ],
    store: sqlite(join(folder, "grants.db")),
    keyring: keyringFromKeys(masterKey),
    clock,
    onEvent: (event) => heard.vault?.refreshHistory.note(event),
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      const answer = (await response
        .clone()
        .json()
        .catch(() => ({}))) as Record<string, unknown>;
      for (const member of tokenMembers) {
        if (typeof answer[member] === "string") secrets.set(`${member} ${secrets.size}`, answer[member]);
      }
      return response;
    },
  });
  heard.vault = vault;
  const faults: unknown[] = [];
  const server = await startServer(vault, {
    port: 0,
    dashboard: true,
    returnUrls: "own",
    appName: "Notes",
    onFault: (fault) => faults.push(fault),
  });
  const { key } = await vault.callers.create("notes-backend", { allow: ["token", "grants:read", "connect"] });
  secrets.set("caller's key", key.expose());
  const grants = new Map<string, Grant>();

  const connect = async (
    externalId: string,
    email: string,
    more: Partial<Parameters<Standin["code"]>[0]> & { readonly account?: string } = {},
  ): Promise<Grant> => {
    const { account, ...spec } = more;
    // How many requests a second a provider is sent goes by this clock.
    clock.advance(1_000);
    const code = standin.code({ email, scope: usualScope, ...spec });
    const grant = await vault.exchangeCode({
      code,
      provider: "google",
      externalId,
      ...(account === undefined ? {} : { account }),
    });
    grants.set(externalId, grant);
    return grant;
  };
  /** Asks for the token as an app does, when the one before has ended. */
  const use = async (externalId: string): Promise<void> => {
    await vault.getAccessToken(grants.get(externalId) ?? externalId).catch(() => undefined);
  };
  /** Moves on, while these are in use. */
  const goOn = async (hours: number, stepHours: number, inUse: readonly string[]): Promise<void> => {
    for (let gone = 0; gone < hours; gone += stepHours) {
      clock.advance(stepHours * hourMs);
      for (const each of inUse) await use(each);
      await vault.refreshHistory.write();
    }
  };

  const fill = async (): Promise<void> => {
    await connect("user-1001", "ada@example.com");
    await connect("user-1002", "carl@example.com");
    await connect("user-1003", "dora@example.com");
    await connect("user-1004", "emil@example.com");
    await connect("user-1005", "frida@example.com", { accessType: "online" });
    await connect("user-1006", "gustav@workspace.example", { hd: "workspace.example" });
    await connect("user-1007", "hedy@example.com", { grantedScopes: "openid email profile" });
    await connect(longNames.externalId, longNames.email, { account: longNames.account });
    await connect("user-1009", "ivan@example.com", { account: "work" });
    await vault.exchangeCode({
      code: standin.code({ email: "ada@example.com", scope: usualScope }),
      provider: "google",
      externalId: "family-7",
      account: "shared with Ada",
    });
    standin.settings({ refreshTokenTtlSeconds: 30 * 86_400 });
    await connect("user-1010", "jana@example.com");
    standin.settings({ refreshTokenTtlSeconds: null });
    for (const [n, email] of ["kim@example.com", "lou@example.com"].entries()) {
      const code = other.code({ email, scope: "read write offline_access" });
      grants.set(
        `team-${n + 1}`,
        await vault.exchangeCode({ code, provider: "ledger", externalId: `team-${n + 1}`, account: "books" }),
      );
    }
    for (let n = 1; n <= 48; n += 1) await connect(`user-${2000 + n}`, `person${n}@example.com`);
    await goOn(24 * 7, 12, ["user-1001", "user-1002", "user-1006", longNames.externalId]);
    // As where the app's consent screen is in testing: what it is given ends after a week.
    for (const name of ["dora", "emil"]) standin.revoke(`${name}@example.com`);
    await Promise.all(["user-1003", "user-1004"].map(use));
    standin.revoke("carl@example.com");
    standin.person({ email: "gustav@workspace.example", refusal: "admin_policy_enforced" });
    await goOn(20, 2, [
      "user-1001",
      "user-1002",
      "user-1006",
      "user-2001",
      "user-2002",
      "team-1",
      longNames.externalId,
    ]);
    standin.fault("POST", "/token", { status: 503, times: 3 });
    await goOn(2, 2, ["user-2003", "user-2004", "user-2001"]);
    await vault.revoke({ externalId: "user-1009" });
    standin.fault("POST", "/revoke", { status: 503, times: "always" });
    await vault.revoke({ externalId: "user-2048" }).catch(() => undefined);
    // The answer is lost, and with it the refresh token that took the place of ours.
    other.fault("POST", "/token", { drop: true, after: "answer" });
    await goOn(2, 2, ["team-2", "user-1001", longNames.externalId]);
    await use("user-1005");
    await vault.refreshHistory.write();
    await vault.directory.lookNow();
  };

  return {
    url: server.url,
    vault,
    standin,
    ledger: other,
    clock,
    faults,
    secrets,
    grants,
    link: (role) => dashboardLink(vault, server.url, role),
    fill,
    close: async () => {
      standin.clearFaults();
      await Promise.all([standin.close(), other.close()]);
      await server.close();
      await vault.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
