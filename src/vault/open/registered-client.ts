import { configurationInvalid, configurationProblems } from "../../core/errors.ts";
import { shownPath } from "../../core/secret-likeness.ts";
import { readSmallFile } from "../../local/small-file.ts";
import { parseClientSecretJson } from "../../providers/client-secret-json.ts";
import type { Client, Provider } from "../../providers/provider.ts";
import { signingKeyOf } from "../../oauth/private-key-jwt.ts";
import { Secret } from "../../core/secret.ts";
import { noPrivateKey } from "./client-problems.ts";
import { providerProblems } from "./provider-problems.ts";

/**
 * A provider's client, read from its file where the provider names one. The whole record is checked as well.
 *
 * @throws {OnbehalfError} `configuration_invalid`: there is no client, its file or secret cannot be used, a text has
 *   something around it that was not meant, or an endpoint is no absolute URL, or one that secrets must not be sent to.
 *   `details.problems` lists every problem
 */
export function loadClient(provider: Provider): Client {
  const [first, ...others] = providerProblems(provider);
  if (first !== undefined) {
    throw configurationProblems(
      [first, ...others].map(({ problem }) => problem),
      first.hint,
    );
  }
  const { client, endpoints } = provider;
  // No grant belongs to a client with an empty id, so none is ever refreshed or revoked through it.
  if (client === "none") return { clientId: "" };
  // It is found out, or registered, when it is needed.
  if ("register" in client) return { clientId: "" };
  if ("privateKeyFile" in client) {
    const { clientId, privateKeyFile } = client;
    return { clientId, privateKey: privateKeyIn(privateKeyFile) };
  }
  if (!("clientSecretFile" in client)) return client;
  const { clientSecretFile: path } = client;
  return parseClientSecretJson(read(path), path, endpoints === "discover" ? undefined : endpoints.tokenEndpoint);
}

function privateKeyIn(path: string): Secret {
  const read = readSmallFile(path);
  if ("text" in read && signingKeyOf(read.text) !== undefined) return new Secret(read.text);
  throw configurationInvalid(
    `the key file ${shownPath(path)} ${"text" in read ? noPrivateKey.is : read.problem}`,
    noPrivateKey.hint,
  );
}

function read(path: string): string {
  const read = readSmallFile(path);
  if ("text" in read) return read.text;
  throw configurationInvalid(
    `the client file ${shownPath(path)} ${read.problem}`,
    "download the web client's JSON in the Cloud console, under Credentials, and give its path",
    // The system's error repeats the path. Somebody may have given the secret in its place.
    shownPath(path) === path ? read.cause : undefined,
  );
}
