import { readFileSync } from "node:fs";
import { configurationInvalid } from "../../core/errors.ts";
import { isConfidential } from "../../oauth/confidential-url.ts";
import { parseClientSecretJson } from "../../providers/client-secret-json.ts";
import type { Client, Provider } from "../../providers/provider.ts";

/**
 * A provider's client, read from its file where it names one; and its endpoints' safety.
 *
 * @throws {OnbehalfError} `configuration_invalid`
 */
export function loadClient(provider: Provider): Client {
  assertSafeEndpoints(provider);
  const { client } = provider;
  // No grant belongs to this name, so none is ever refreshed or revoked in it.
  if (client === "none") return { clientId: "" };
  if ("clientSecretFile" in client) {
    return parseClientSecretJson(read(client.clientSecretFile), client.clientSecretFile);
  }
  if (client.clientId === "") {
    throw configurationInvalid(
      `provider ${provider.name} has no client`,
      "give the path of client_secret.json, or clientId and clientSecret",
    );
  }
  // Sent by nobody: every exchange would fail before it left, and look like a provider that is down.
  if (client.clientSecret?.expose() === "") {
    throw configurationInvalid(
      `provider ${provider.name} has no client secret`,
      "give the web client's secret; a variable that it was read from may not be set",
    );
  }
  return client;
}

/** Plain http carries secrets in clear: accepted to this machine alone. */
function assertSafeEndpoints({ name, endpoints, issuer, apiBaseUrl }: Provider): void {
  const urls = [
    ...(endpoints === "discover" ? [issuer] : Object.values(endpoints)),
    ...(apiBaseUrl === undefined ? [] : [apiBaseUrl]),
  ];
  for (const text of urls as string[]) {
    if (!URL.canParse(text))
      throw configurationInvalid(`provider ${name} has an endpoint that is not a URL`, "give absolute URLs");
    if (!isConfidential(text)) {
      throw configurationInvalid(
        `provider ${name} has an endpoint without https: ${new URL(text).origin}`,
        "plain http is for loopback addresses only",
      );
    }
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw configurationInvalid(
      `the client file ${path} cannot be read`,
      "download the web client's JSON in the Cloud console, under Credentials, and give its path",
      cause,
    );
  }
}
