import { assertFits, required, text as aText } from "../core/argument-checks.ts";
import { configurationInvalid } from "../core/errors.ts";
import { Secret } from "../core/secret.ts";
import { flawInCopy } from "../core/verbatim.ts";
import type { Client } from "./provider.ts";

/** Where Google's client files send people and codes. */
const googlesHosts: Readonly<Record<string, readonly string[]>> = {
  token_uri: ["oauth2.googleapis.com", "accounts.google.com", "www.googleapis.com"],
  auth_uri: ["accounts.google.com"],
};

/**
 * Reads the text of a `client_secret_*.json`, with a `web` or an `installed` client in it. Where somebody took another
 * file, the message says which one it is.
 *
 * @param text the content of the file
 * @param path where the text came from; it only stands in messages
 * @param tokenEndpoint where the client is used if not at Google: that of a stand-in. The file's `token_uri` and
 *   `auth_uri` must be Google's or of the same origin. Default: Google's
 * @returns the client's id and secret
 * @throws {OnbehalfError} `invalid_request`: an argument is no text
 * @throws {OnbehalfError} `configuration_invalid`: the text is another file, a client that has no secret, one whose id
 *   or secret has something around it, or a client of another provider
 * @see {@link https://developers.google.com/api-client-library/dotnet/guide/aaa_client_secrets | Google: client secrets}
 */
export function parseClientSecretJson(text: string, path: string, tokenEndpoint?: string): Client {
  assertFits("text", text, required(aText));
  assertFits("path", path, required(aText));
  assertFits("tokenEndpoint", tokenEndpoint, aText);
  let parsed: unknown;
  try {
    // Editors on Windows begin a file with a byte order mark.
    parsed = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    throw configurationInvalid(
      `${path} is not JSON${whatElse(text)}`,
      "download the web client's JSON again in the Cloud console, under Credentials",
    );
  }
  const key = isRecord(parsed) ? ["api_key", "apiKey", "key"].find((name) => name in (parsed as object)) : undefined;
  if (key !== undefined || (typeof parsed === "string" && apiKey.test(parsed))) {
    throw configurationInvalid(
      `${path} holds an API key, not an OAuth client`,
      "an API key speaks for no person: create an OAuth client ID of the type web application, and download its JSON",
    );
  }
  if (!isRecord(parsed)) {
    throw configurationInvalid(
      `${path} is not a client file`,
      "download the web client's JSON in the Cloud console, under Credentials: an object with one member, web or installed",
    );
  }
  if (parsed["type"] === "service_account") {
    throw configurationInvalid(
      `${path} is a service account's key, not an OAuth client`,
      "create an OAuth client ID of the type web application, and download its JSON",
    );
  }
  if (typeof parsed["client_id"] === "string" && "refresh_token" in parsed) {
    throw configurationInvalid(
      `${path} holds application default credentials, not an OAuth client`,
      "create an OAuth client ID of the type web application, and download its JSON",
    );
  }
  if (typeof parsed["type"] === "string" && typeof parsed["audience"] === "string") {
    throw configurationInvalid(
      `${path} holds the credentials of a workload (${printable(parsed["type"])}), not an OAuth client`,
      "create an OAuth client ID of the type web application, and download its JSON",
    );
  }
  if ("project_info" in parsed && Array.isArray(parsed["client"])) {
    throw configurationInvalid(
      `${path} is the google-services.json of an Android app, not the client of a server`,
      "download the web client's JSON in the Cloud console, under Credentials",
    );
  }
  const kinds = ["web", "installed"].filter((kind) => kind in parsed);
  if (kinds.length !== 1) {
    throw configurationInvalid(
      `${path} must have one member, web or installed; it has ${kinds.length === 0 ? "neither" : "both"}`,
      "download the web client's JSON in the Cloud console, under Credentials",
    );
  }
  const client = parsed[kinds[0] ?? ""];
  if (!isRecord(client) || typeof client["client_id"] !== "string" || client["client_id"] === "") {
    throw configurationInvalid(`${path} has no client_id`, "download the file again, and do not edit it");
  }
  const secret = client["client_secret"];
  if (typeof secret !== "string" || secret === "") {
    throw configurationInvalid(
      `${path} has no client_secret: it belongs to an Android, iOS or other public client (${client["client_id"]})`,
      "download the web client's JSON for the server; in the app, use that client's id as serverClientId",
    );
  }
  for (const [name, value] of [
    ["client_id", client["client_id"]],
    ["client_secret", secret],
  ] as const) {
    const flaw = flawInCopy(value);
    if (flaw !== undefined) throw configurationInvalid(`${path}: ${name} ${flaw.is}`, flaw.hint);
  }
  assertGooglesOwn(client, path, tokenEndpoint);
  return { clientId: client["client_id"], clientSecret: new Secret(secret) };
}

/**
 * Refuses a client of another provider. The record of Google sends codes and secrets to Google, whatever the file says:
 * to ignore what it says would show them to somebody that the file does not mean.
 */
function assertGooglesOwn(client: Record<string, unknown>, path: string, tokenEndpoint: string | undefined): void {
  for (const [name, hosts] of Object.entries(googlesHosts)) {
    const value = client[name] ?? undefined;
    if (value === undefined) continue;
    const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : undefined;
    const isGoogles = url?.protocol === "https:" && url.port === "" && hosts.includes(url.hostname);
    if (isGoogles || (url !== undefined && isAt(tokenEndpoint, url))) continue;
    throw configurationInvalid(
      `${path} belongs to another provider: its ${name} is ${url === undefined ? "no URL" : url.origin}, and not Google's`,
      "use the file of a client at Google; for a stand-in give its base URL (ONBEHALF_GOOGLE_BASE_URL), and for any other provider use oidc()",
    );
  }
}

function isAt(tokenEndpoint: string | undefined, { origin }: URL): boolean {
  return tokenEndpoint !== undefined && URL.canParse(tokenEndpoint) && new URL(tokenEndpoint).origin === origin;
}

const apiKey = /^AIza[\w-]{20,60}$/;

/** Names a file that is no JSON, where it is one that people have beside the right one. */
function whatElse(text: string): string {
  const start = text.slice(0, 2_000).trim();
  if (/\0|\uFFFD/.test(start)) return ": it is not UTF-8 text; save it as UTF-8";
  if (/^(?:<\?xml|<!DOCTYPE plist|<plist)/.test(start)) return " but the property list of an iOS app";
  if (/^-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(start)) return " but a private key";
  if (start.startsWith("-----BEGIN ")) return " but a certificate";
  if (apiKey.test(start)) return " but an API key";
  if (/^[\w.-]+\.apps\.googleusercontent\.com$/.test(start)) return " but a client id alone";
  if (/^GOCSPX-[\w-]+$/.test(start)) return " but a client secret alone";
  if (/^[A-Z][A-Z0-9_]*=/m.test(start)) return " but a file of environment variables";
  return "";
}

function printable(text: string): string {
  return /^[\w.-]{1,40}$/.test(text) ? text : "of an unknown type";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
