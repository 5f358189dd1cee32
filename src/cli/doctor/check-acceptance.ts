import type { Client } from "../../index.ts";
import { outboundFetch } from "../../outbound/outbound-fetch.ts";
import { readBody } from "../../vault/http/request-body.ts";
import { fail, ok } from "./finding.ts";
import type { Finding } from "./finding.ts";

const timeoutMs = 10_000;
const answerLimitBytes = 64 * 1024;

/**
 * Asks a token endpoint for a refresh with a token that nobody was ever given. A provider looks at the client first, so
 * its error tells whether id and secret are right, and nothing is spent.
 *
 * @returns the error of RFC 6749; undefined where no such answer came
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-5.2 | RFC 6749 section 5.2}
 */
export async function askAboutClient(
  tokenEndpoint: string,
  { clientId, clientSecret }: Client,
): Promise<string | undefined> {
  const body = new URLSearchParams({
    grant_type: "refresh_token",
    refresh_token: "onbehalf-doctor-asks-whether-this-client-is-known",
    client_id: clientId,
    client_secret: clientSecret?.expose() ?? "",
  });
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await outboundFetch()(tokenEndpoint, { method: "POST", body, redirect: "error", signal });
    const { error } = JSON.parse(await readBody(response, answerLimitBytes)) as { error?: unknown };
    return typeof error === "string" ? error : undefined;
  } catch {
    // That the provider cannot be reached is said by another check.
    return undefined;
  }
}

/**
 * Checks that the provider takes our client: a wrong secret is found here, and not with somebody's code.
 *
 * @param error what {@link askAboutClient} returned
 */
export function checkAcceptance(name: string, clientId: string, error: string | undefined): Finding[] {
  if (error === "invalid_grant") return [ok("secret", `${name} accepts id and secret of client ${clientId}`)];
  if (!/^(?:invalid|unauthorized|deleted|disabled)_client$/.test(error ?? "")) return [];
  return [
    fail(
      "secret",
      `${name} refuses client ${clientId} (${error ?? ""}); its id and secret were sent in the body (client_secret_post)`,
      "compare both with the Cloud console, or download client_secret.json again",
    ),
  ];
}
