import { OnbehalfError, configurationProblems } from "../core/errors.ts";
import type { Client } from "../providers/provider.ts";
import { parseObject, boundedRequest } from "./bounded-fetch.ts";
import type { BoundedFetch, HttpResult } from "./bounded-fetch.ts";
import { metadataOf } from "./provider-metadata.ts";
import type { DocumentReader, Metadata } from "./provider-metadata.ts";

/**
 * Reads an issuer's discovery document.
 *
 * @param provider the issuer, and what its record says beside the document
 * @param client our client, whose way to authenticate the document must accept
 * @throws {OnbehalfError} `provider_unavailable`: the document could not be read just now
 * @throws {OnbehalfError} `configuration_invalid`: the document is another issuer's, lacks an endpoint, has an endpoint
 *   without https, which no secret may be sent to, or asks for what our client cannot do. `details.problems` lists all
 * @see https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
 */
export async function discover(provider: DocumentReader, client: Client, http: BoundedFetch): Promise<Metadata> {
  const { issuer } = provider;
  const [url, ...others] = documentUrls(provider);
  const each = { ...http, timeoutMs: http.timeoutMs / (1 + others.length) };
  let result = await read(url, each);
  for (const other of others) {
    if (result.kind === "body" && [400, 401, 403, 404, 405, 410].includes(result.status))
      result = await read(other, each);
  }
  const document = result.kind === "body" && result.status === 200 ? parseObject(result.text) : undefined;
  if (document === undefined) {
    const why =
      result.kind === "silence" ? result.error : result.status === 200 ? "no_json_object" : `http_${result.status}`;
    throw new OnbehalfError("provider_unavailable", `the discovery document of ${issuer} cannot be read (${why})`, {
      hint: `check that the issuer is right, and that this machine can reach ${url}; it is read again at the next use`,
      details: { issuer, retryAfterMs: 5_000 },
    });
  }
  const metadata = metadataOf(document, provider, client);
  if (!("problems" in metadata)) return metadata;
  const [first] = metadata.problems;
  throw configurationProblems(
    metadata.problems.map(({ problem }) => `the discovery document of ${issuer} ${problem}`),
    first.hint,
  );
}

function read(url: string, http: BoundedFetch): Promise<HttpResult> {
  return boundedRequest(http, (signal) =>
    http.fetch(url, { signal, redirect: "error", headers: { accept: "application/json" } }),
  );
}

/**
 * Where an issuer's document is read, the second where the first knows none. Servers without ID tokens have the one of RFC
 * 8414, whose name stands before the issuer's path; many have only the other one all the same.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8414#section-3.1
 * @see https://www.rfc-editor.org/rfc/rfc8414#section-5
 */
export function documentUrls({
  issuer,
  identity = "id_token",
}: Pick<DocumentReader, "issuer" | "identity">): readonly [string, ...string[]] {
  const own = issuer.replace(/\/+$/, "");
  const openid = `${own}/.well-known/openid-configuration`;
  if (identity === "id_token" || !URL.canParse(own)) return [openid];
  const { origin, pathname } = new URL(own);
  return [`${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/+$/, "")}`, openid];
}
