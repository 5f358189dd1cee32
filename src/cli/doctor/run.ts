import { google, isOnbehalfError, parseClientSecretJson } from "../../index.ts";
import type { Provider, Store } from "../../index.ts";
import { serviceConfig, settingsFrom, storeConfig, storeFrom } from "../../service/settings/config.ts";
import type { ServiceConfig, Settings } from "../../service/settings/config.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { settingsAmong } from "../flags.ts";
import { printJson, printLines } from "../terminal/print.ts";
import { askAboutClient, checkAcceptance } from "./check-acceptance.ts";
import { checkAddress, checkMetrics } from "../../service/doctor/check-address.ts";
import { checkClientFile, checkClientId } from "./check-client.ts";
import { checkMode } from "../../service/doctor/check-files.ts";
import { checkNode } from "./check-node.ts";
import { checkListening, isOurs, tryToListen } from "./check-listening.ts";
import { checkVariables } from "../../service/doctor/check-variables.ts";
import { checkRescue } from "../../service/doctor/check-rescue.ts";
import { examineStore } from "./examine-store.ts";
import { fileFacts, textOf } from "../../service/doctor/files.ts";
import { fail, ok } from "../../service/doctor/finding.ts";
import type { Finding } from "../../service/doctor/finding.ts";
import { examineProvider, examineServer } from "../../service/doctor/examine-provider.ts";

/** Runs every check that is possible. A part that is missing or wrong does not keep the others from being checked. */
export async function doctor(flags: { readonly offline?: boolean; readonly json?: boolean }): Promise<void> {
  const findings = await examine(settingsFrom(settingsAmong(flags)), flags.offline === true);
  const failed = findings.some(({ status }) => status === "fail");
  if (flags.json === true) printJson({ ok: !failed, checks: findings });
  else printLines(findings.flatMap(findingLines));
  if (failed) process.exitCode = exitCodes.failed;
}

/** @param offline whether to ask the provider nothing */
async function examine(settings: Settings, offline: boolean): Promise<Finding[]> {
  const { config, problems } = attempt(() => serviceConfig(settings));
  const store = config?.store ?? attempt(() => storeFrom(settings)).config;
  // Whether a key opens the store does not depend on who else may read it.
  const keyring = config?.keyring ?? attempt(() => storeConfig({ ...settings, openKeyFile: "allow" })).config?.keyring;
  const openKeyFile = settings.openKeyFile === "allow" ? "warn" : "fail";
  return [
    checkNode(process.versions.node),
    ...(problems.length === 0
      ? [ok("settings", "complete")]
      : problems.map((problem) => fail("settings", problem, "correct it in the environment, or with its flag"))),
    ...checkVariables(process.env),
    ...(settings.keyFile === undefined ? [] : checkMode("key file", fileFacts(settings.keyFile), openKeyFile)),
    ...(store === undefined ? [] : await examineStore(store, keyring)),
    ...(store === undefined ? [] : [checkRescue(store, settings.rescueDir)]),
    ...examineClient(settings),
    ...(settings.providersFile === undefined ? [] : checkMode("providers", fileFacts(settings.providersFile), "warn")),
    ...(offline ? [] : await examineProviders(config?.providers ?? [providerOf(settings)])),
    ...(offline || config === undefined ? [] : await examineServers(config)),
    ...(offline || config === undefined ? [] : await examineAcceptances(config.providers)),
    ...(config === undefined ? [] : [checkAddress(config), await examineListening(config), checkMetrics(config)]),
  ];
}

function examineClient({ clientSecretFile, clientId, googleBaseUrl }: Settings): Finding[] {
  if (clientSecretFile !== undefined) {
    return [
      ...checkClientFile(clientSecretFile, textOf(clientSecretFile), googleBaseUrl),
      ...checkMode("client file", fileFacts(clientSecretFile), "warn"),
    ];
  }
  return clientId === undefined ? [] : [checkClientId(clientId)];
}

/** The provider to ask where the settings are incomplete: whether it can be reached is worth knowing all the same. */
function providerOf({ googleBaseUrl: baseUrl }: Settings): Provider {
  return google(baseUrl !== undefined && URL.canParse(baseUrl) ? { baseUrl } : {});
}

/** Each in its turn: what is slow or away is told by its name. */
async function examineProviders(providers: readonly Provider[]): Promise<Finding[]> {
  return (await Promise.all(providers.map(examineProvider))).flat();
}

/** MCP servers say themselves where to go on: each step is told of, and nothing is registered. */
async function examineServers({ providers, store, keyring }: ServiceConfig): Promise<Finding[]> {
  const servers = providers.filter(({ server }) => server !== undefined);
  if (servers.length === 0) return [];
  const kept = await isOpen(store);
  try {
    return (await Promise.all(servers.map((each) => examineServer(each, kept ? { store, keyring } : {})))).flat();
  } finally {
    if (kept) await store.close().catch(() => undefined);
  }
}

/** Opens a store that is there. What is wrong with it was told by its own check. */
async function isOpen(store: Store): Promise<boolean> {
  if (store.kind === "sqlite" && !fileFacts(store.location).exists) return false;
  try {
    await store.open({ migrate: false });
    return true;
  } catch (error) {
    if (!isOnbehalfError(error)) throw error;
    return false;
  }
}

async function examineListening({ host, port }: ServiceConfig): Promise<Finding> {
  const code = await tryToListen(host, port);
  return checkListening(host, port, code, code === "EADDRINUSE" && (await isOurs(host, port)));
}

/** The settings are complete, so the clients' files can be read. */
async function examineAcceptances(providers: readonly Provider[]): Promise<Finding[]> {
  return (await Promise.all(providers.map(examineAcceptance))).flat();
}

/** Asks where the client sends its secret in the body, as the question does. */
async function examineAcceptance(provider: Provider): Promise<Finding[]> {
  if (provider.endpoints === "discover" || provider.client === "none") return [];
  if ("privateKeyFile" in provider.client || "register" in provider.client) return [];
  if ((provider.clientAuthentication ?? "client_secret_post") !== "client_secret_post") return [];
  const { client, name, endpoints } = provider;
  const { tokenEndpoint } = endpoints;
  const known =
    "clientSecretFile" in client
      ? parseClientSecretJson(textOf(client.clientSecretFile) ?? "", client.clientSecretFile, tokenEndpoint)
      : client;
  if (known.clientSecret === undefined) return [];
  const verdict = await askAboutClient(tokenEndpoint, known);
  return checkAcceptance(name, known.clientId, verdict, provider.refusals);
}

function findingLines({ check, status, message, hint }: Finding): string[] {
  const line = `${status.padEnd(4)}  ${check.padEnd(11)}  ${message}`;
  return hint === undefined ? [line] : [line, `${" ".repeat(19)}do: ${hint}`];
}

/** A configuration, or everything that is wrong with it. */
function attempt<T>(read: () => T): { readonly config?: T; readonly problems: readonly string[] } {
  try {
    return { config: read(), problems: [] };
  } catch (error) {
    if (!isOnbehalfError(error, "configuration_invalid")) throw error;
    return { problems: error.details.problems };
  }
}
