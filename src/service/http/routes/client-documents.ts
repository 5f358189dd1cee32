import { OnbehalfError } from "../../../index.ts";
import type { Router } from "./router.ts";

/**
 * The documents that describe our clients to authorization servers which take such an address for a client's id. They are
 * for anyone: the servers that read them have no key here.
 */
export function clientDocumentRoutes({ forAnyone, vault }: Router): void {
  forAnyone("/oauth/client/:document", ({ req }) => {
    const name = /^([\w-]+)\.json$/.exec(req.param("document") ?? "")?.[1];
    const isKnown = vault.providers.some(({ provider }) => provider.name === name);
    const document = isKnown ? vault.clientDocument(name) : undefined;
    if (document !== undefined) {
      return Response.json(document, { headers: { "cache-control": "public, max-age=300" } });
    }
    throw new OnbehalfError("not_found", "no client of this service is described at this address", {
      hint: "see /openapi.json for every address of this service",
      details: {},
    });
  });
}
