/**
 * The endpoints that programs call in the kinds `oauth2` and `mcp`: token, revocation, introspection, metadata, and who the
 * person is. The pages that a person sees are in `pages/`; how tokens live and die is in `state/ledger.ts`.
 */

import type { Incoming, Reply } from "../http/messages.ts";
import { badRequest, OAuthRefusal, readForm } from "../http/oauth-form.ts";
import { authenticate } from "./client-authentication.ts";
import type { Client, GrantType } from "./clients.ts";
import { exchange } from "./code-grant.ts";
import type { OAuth2State } from "./oauth2-state.ts";
import { refresh } from "./refresh-grant.ts";
import { tokenAnswer } from "./token-answer.ts";

/** `POST /token`. RFC 6749 sections 3.2, 4.1.3, 5 and 6. */
export function tokenEndpoint(state: OAuth2State, incoming: Incoming): Reply {
  const form = readForm(incoming, ["resource"]);
  const client = authenticate(state, incoming, form);
  const resources = new URLSearchParams(incoming.body.toString()).getAll("resource");
  const request = { client, form, resources };
  const grantType = form.get("grant_type") || undefined;
  switch (grantType) {
    case undefined:
      throw badRequest("grant_type is missing.");
    case "authorization_code":
      assertAllowed(client, grantType);
      return tokenAnswer(state, incoming, exchange(state, request));
    case "refresh_token":
      assertAllowed(client, grantType);
      return tokenAnswer(state, incoming, refresh(state, request));
    default:
      throw new OAuthRefusal(400, "unsupported_grant_type", `There is no grant_type ${grantType} here.`);
  }
}

function assertAllowed(client: Client, grantType: GrantType): void {
  if (client.grantTypes.includes(grantType)) return;
  const note = { clientId: client.id };
  throw new OAuthRefusal(400, "unauthorized_client", `The client is not registered for ${grantType}.`, {}, note);
}
