import { readFileSync } from "node:fs";
import { configurationInvalid } from "../../core/errors.ts";
import { isPattern, shownIssuer } from "../../core/issuer.ts";
import { isConfidential } from "../../oauth/confidential-url.ts";
import { parseClientSecretJson } from "../../providers/client-secret-json.ts";
import type { Client, Provider } from "../../providers/provider.ts";

/**
 * A provider's client, read from its file where the provider names one. The provider's endpoints are checked as well.
 *
 * @throws {OnbehalfError} `configuration_invalid`: there is no client, its file or secret cannot be used, or an
 *   endpoint is no absolute URL, or one that secrets must not be sent to
 */
export function loadClient(provider: Provider): Client {
  assertSafeEndpoints(provider);
  const { client } = provider;
  // No grant belongs to a client with an empty id, so none is ever refreshed or revoked through it.
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
  // With an empty secret, every exchange would fail before it is sent, as if the provider were down.
  if (client.clientSecret?.expose() === "") {
    throw configurationInvalid(
      `provider ${provider.name} has no client secret`,
      "give the web client's secret; if it comes from an environment variable, check that the variable is set",
    );
  }
  return client;
}

/** Refuses plain http, which carries secrets in clear, except to this machine itself. */
function assertSafeEndpoints({ name, endpoints, endpointsBeside = {}, issuer, apiBaseUrl }: Provider): void {
  const urls = [
    ...(endpoints === "discover" ? [issuer, ...Object.values(endpointsBeside)] : Object.values(endpoints)),
    ...(apiBaseUrl === undefined ? [] : [apiBaseUrl]),
  ];
  if (endpoints === "discover" && isPattern(issuer)) {
    throw configurationInvalid(
      `provider ${name} has an issuer with a placeholder, ${shownIssuer(issuer)}, where no discovery document can be read`,
      "set issuer to the address whose document is read, such as https://login.microsoftonline.com/common/v2.0, and " +
        "alsoIssuedAs to the pattern, with a claim's name in the braces: https://login.microsoftonline.com/{tid}/v2.0",
    );
  }
  for (const text of urls as string[]) {
    if (!URL.canParse(text))
      throw configurationInvalid(
        `provider ${name} has an endpoint that is not a URL: ${text}`,
        "give an absolute URL, such as https://id.example/token",
      );
    if (!isConfidential(text)) {
      throw configurationInvalid(
        `provider ${name} has an endpoint without https: ${new URL(text).origin}`,
        "give an https URL; plain http is for loopback addresses only",
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
