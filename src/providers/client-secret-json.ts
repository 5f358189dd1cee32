import { configurationInvalid } from "../core/errors.ts";
import { Secret } from "../core/secret.ts";
import type { Client } from "./provider.ts";

/**
 * Reads the text of a `client_secret_*.json`, with a `web` or an `installed` client in it. Where somebody took another
 * file, the message says which one it is.
 *
 * @param text the content of the file
 * @param path where the text came from; it only stands in messages
 * @returns the client's id and secret
 * @throws {OnbehalfError} `configuration_invalid`: the text is another file, or a client that has no secret
 * @see {@link https://developers.google.com/api-client-library/dotnet/guide/aaa_client_secrets | Google: client secrets}
 */
export function parseClientSecretJson(text: string, path: string): Client {
  let parsed: unknown;
  try {
    // Editors on Windows begin a file with a byte order mark.
    parsed = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    throw configurationInvalid(
      `${path} is not JSON`,
      "download the web client's JSON again in the Cloud console, under Credentials",
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
  return { clientId: client["client_id"], clientSecret: new Secret(secret) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
