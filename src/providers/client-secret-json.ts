import { OnbehalfError } from "../core/errors.ts";
import { Secret } from "../core/secret.ts";
import type { Client } from "./provider.ts";

/**
 * Reads the text of a `client_secret_*.json`, of both kinds, and names the usual mistakes.
 *
 * @param text the file's content
 * @param path where it came from, for messages
 * @throws {OnbehalfError} `configuration_invalid`: not this file, or one that cannot work on a server
 * @see https://developers.google.com/api-client-library/dotnet/guide/aaa_client_secrets
 */
export function parseClientSecretJson(text: string, path: string): Client {
  let parsed: unknown;
  try {
    // Editors on Windows begin a file with a byte order mark.
    parsed = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    throw mistake(`${path} is not JSON`, "download the client's JSON again in the Cloud console, under Credentials");
  }
  if (!isRecord(parsed)) throw mistake(`${path} is not a client file`, "it must hold one member, web or installed");
  if (parsed["type"] === "service_account") {
    throw mistake(
      `${path} is a service account's key, not an OAuth client`,
      "create an OAuth client id of type web application, and download that one",
    );
  }
  if (typeof parsed["client_id"] === "string" && "refresh_token" in parsed) {
    throw mistake(
      `${path} holds application default credentials, not an OAuth client`,
      "create an OAuth client id of type web application, and download that one",
    );
  }
  if ("project_info" in parsed && Array.isArray(parsed["client"])) {
    throw mistake(
      `${path} is an Android app's google-services.json, not the server's client`,
      "download the web client's JSON in the Cloud console, under Credentials",
    );
  }
  const kinds = ["web", "installed"].filter((kind) => kind in parsed);
  if (kinds.length !== 1) {
    throw mistake(
      `${path} must hold exactly one of web and installed, and has ${kinds.length === 0 ? "neither" : "both"}`,
      "download the web client's JSON in the Cloud console, under Credentials",
    );
  }
  const client = parsed[kinds[0] ?? ""];
  if (!isRecord(client) || typeof client["client_id"] !== "string" || client["client_id"] === "") {
    throw mistake(`${path} has no client_id`, "download the file again; do not edit it");
  }
  const secret = client["client_secret"];
  if (typeof secret !== "string" || secret === "") {
    throw mistake(
      `${path} has no client_secret: it is an Android, iOS or other public client (${client["client_id"]})`,
      "use the web client's id and secret on the server, and the same web client id as serverClientId in the app",
    );
  }
  return { clientId: client["client_id"], clientSecret: new Secret(secret) };
}

function mistake(message: string, hint: string): OnbehalfError<"configuration_invalid"> {
  return new OnbehalfError("configuration_invalid", message, { hint, details: { problems: [message] } });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
