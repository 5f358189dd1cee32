import { createHash, timingSafeEqual } from "node:crypto";
import type { Client, Clients } from "../state/clients.ts";
import { badRequest, OAuthRefusal } from "./form.ts";
import type { Incoming } from "../http/messages.ts";

interface Credentials {
  readonly id: string;
  readonly secret: string | undefined;
}

/** RFC 6749 section 2.3.1: both halves of a Basic header are form-encoded before they are joined. */
function basic(header: string): Credentials {
  const decoded = Buffer.from(header.replace(/^Basic +/i, ""), "base64").toString();
  const colon = decoded.indexOf(":");
  if (colon < 0) throw new OAuthRefusal(401, "invalid_client", "The Basic credentials could not be read.");
  const formDecoded = (part: string): string => {
    try {
      return decodeURIComponent(part.replaceAll("+", " "));
    } catch {
      return part;
    }
  };
  return { id: formDecoded(decoded.slice(0, colon)), secret: formDecoded(decoded.slice(colon + 1)) };
}

function credentials(request: Incoming, form: ReadonlyMap<string, string>): Credentials {
  const header = request.headers.authorization;
  const inBody = { id: form.get("client_id"), secret: form.get("client_secret") };
  if (header === undefined || !/^Basic /i.test(header)) {
    if (inBody.id === undefined || inBody.id === "") throw badRequest("Could not determine client ID from request.");
    return { id: inBody.id, secret: inBody.secret };
  }
  const inHeader = basic(header);
  if (inBody.secret !== undefined || (inBody.id !== undefined && inBody.id !== inHeader.id)) {
    throw badRequest("Client credentials must be sent once, in the header or in the body.");
  }
  return inHeader;
}

function digest(value: string): Buffer {
  return createHash("sha256").update(value).digest();
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
  return timingSafeEqual(digest(secret), digest(client.secret)) ? client : refuse("invalid_client", "Unauthorized");
}
