import { defined } from "../../core/defined.ts";
import type { Client, Provider } from "../../index.ts";
import { outboundFetch } from "../../outbound/outbound-fetch.ts";
import { readBody } from "../../vault/http/request-body.ts";
import { fail, ok, warn } from "../../service/doctor/finding.ts";
import type { Finding } from "../../service/doctor/finding.ts";

const timeoutMs = 10_000;
const answerLimitBytes = 64 * 1024;

/** What a provider says to a client that it is asked about: OAuth's error, and its words for it, where it sent them. */
export interface Verdict {
  /** HTTP status. */
  readonly status: number;
  readonly error?: string;
  readonly description?: string;
}

/**
 * Asks a token endpoint for a refresh with a token that nobody was ever given. A provider looks at the client first, so
 * its error tells whether id and secret are right, and nothing is spent. It goes past vault and gate: no breaker counts it,
 * and no audit log has it.
 *
 * @returns undefined where no answer came
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-5.2 | RFC 6749 section 5.2}
 */
export async function askAboutClient(
  tokenEndpoint: string,
  { clientId, clientSecret }: Client,
): Promise<Verdict | undefined> {
  const body = new URLSearchParams({
    grant_type: "refresh_token",
    refresh_token: "onbehalf-doctor-asks-whether-this-client-is-known",
    client_id: clientId,
    client_secret: clientSecret?.expose() ?? "",
  });
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await outboundFetch()(tokenEndpoint, { method: "POST", body, redirect: "error", signal });
    return { status: response.status, ...errorIn(await readBody(response, answerLimitBytes).catch(() => "")) };
  } catch {
    // That the provider cannot be reached is said by another check.
    return undefined;
  }
}

function errorIn(text: string): Pick<Verdict, "error" | "description"> {
  try {
    const { error, error_description: description } = JSON.parse(text) as Record<string, unknown>;
    return defined({
      error: typeof error === "string" ? error : undefined,
      description: typeof description === "string" ? description : undefined,
    });
  } catch {
    return {};
  }
}

/** How providers say that they know no client of an id. */
const unknownClient = /not found|unknown|does not exist|no such|AADSTS700016/i;

/**
 * Checks that the provider takes our client: a wrong secret and an unknown id are found here, and not with somebody's code.
 *
 * @param verdict what {@link askAboutClient} returned
 * @param refusals what the provider's own words mean
 */
export function checkAcceptance(
  name: string,
  clientId: string,
  verdict: Verdict | undefined,
  refusals: Provider["refusals"] = {},
): Finding[] {
  if (verdict === undefined) return [];
  const { status, error: said = "", description = "" } = verdict;
  const meaning = Object.hasOwn(refusals, said) ? refusals[said] : undefined;
  const error = meaning === "dead" ? "invalid_grant" : meaning === "misconfigured" ? "invalid_client" : said;
  if (error === "invalid_grant") return [ok("secret", `${name} accepts id and secret of client ${clientId}`)];
  if (error === "deleted_client" || (error === "invalid_client" && unknownClient.test(description))) {
    return [
      fail(
        "secret",
        `${name} knows no client ${clientId} (${error})`,
        "the id is mistyped, or the client was deleted: compare it with the Cloud console, or download client_secret.json again",
      ),
    ];
  }
  if (/^(?:invalid|unauthorized|disabled)_client$/.test(error)) {
    return [
      fail(
        "secret",
        `${name} refuses client ${clientId} (${error}); its id and secret were sent in the body (client_secret_post)`,
        error === "disabled_client"
          ? "the client or its project is disabled: look for the provider's mail to the project's owner"
          : "the secret is another one: compare it with the Cloud console, or download client_secret.json again",
      ),
    ];
  }
  const shown = /^[a-z_]{1,64}$/.test(error) ? error : `HTTP ${status}`;
  return [
    warn(
      "secret",
      `${name} does not say whether it accepts client ${clientId} (${shown})`,
      "it may have trouble of its own: try again later; onbehalf explain says what its word means",
    ),
  ];
}
