import { clientMetadata } from "../../oauth/client-registration.ts";
import type { Provider } from "../../providers/provider.ts";

/**
 * The document that stands for a registration of our client: its address is the client's id.
 *
 * @returns undefined where the provider's record names no address of such a document
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-oauth-client-id-metadata-document-00#section-4
 */
export function clientDocument({ client }: Provider): Readonly<Record<string, unknown>> | undefined {
  if (client === "none" || !("register" in client)) return undefined;
  const { documentUrl, ...request } = client.register;
  if (documentUrl === undefined) return undefined;
  return {
    client_id: documentUrl,
    client_uri: new URL(documentUrl).origin,
    ...clientMetadata(request, "none"),
  };
}
