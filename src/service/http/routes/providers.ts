/** The route by which a caller learns where a provider's tokens may be sent. */
import { json } from "./router.ts";
import type { Router } from "./router.ts";

export function providerRoutes({ forCallers }: Router): void {
  forCallers("/v1/providers", {
    GET: [
      "token",
      (_context, view) => {
        const providers = view.providers.map((each) => ({
          name: each.name,
          issuer: each.issuer,
          api_hosts: each.apiHosts,
          token_hosts: each.tokenHosts ?? [],
          api_base_url: each.apiBaseUrl,
          token_refusals: each.tokenRefusals ?? [],
        }));
        return json({ providers });
      },
    ],
  });
}
