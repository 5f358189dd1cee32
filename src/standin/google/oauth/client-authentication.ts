import type { Client, Clients } from "../state/clients.ts";
import { basicCredentials, isSameSecret } from "../../http/basic-credentials.ts";
import { badRequest, OAuthRefusal } from "../../http/oauth-form.ts";
import type { Incoming } from "../../http/messages.ts";

function credentials(request: Incoming, form: ReadonlyMap<string, string>): { id: string; secret: string | undefined } {
  const header = request.headers.authorization;
  const inBody = { id: form.get("client_id"), secret: form.get("client_secret") };
  if (header === undefined || !/^Basic /i.test(header)) {
    if (inBody.id === undefined || inBody.id === "") throw badRequest("Could not determine client ID from request.");
    return { id: inBody.id, secret: inBody.secret };
  }
  const inHeader = basicCredentials(header);
  if (inBody.secret !== undefined || (inBody.id !== undefined && inBody.id !== inHeader.id)) {
    throw badRequest("Client credentials must be sent once, in the header or in the body.");
  }
  return inHeader;
}

/** The client that sends this request, or why it is refused. None of these answers says anything about a grant. */
export function authenticate(request: Incoming, form: ReadonlyMap<string, string>, clients: Clients): Client {
  const { id, secret } = credentials(request, form);
  const client = clients.get(id);
  const refuse = (error: string, description: string): never => {
    throw new OAuthRefusal(401, error, description, {}, { clientId: id });
  };
  if (client === undefined) return refuse("invalid_client", "The OAuth client was not found.");
  if (client.state === "deleted") return refuse("deleted_client", "The OAuth client was deleted.");
  if (client.state === "disabled") return refuse("disabled_client", "The OAuth client was disabled.");
  if (client.secret === undefined) {
    return secret === undefined || secret === "" ? client : refuse("invalid_client", "Unauthorized");
  }
  if (secret === undefined || secret === "") throw badRequest("client_secret is missing.");
  return isSameSecret(secret, client.secret) ? client : refuse("invalid_client", "Unauthorized");
}
