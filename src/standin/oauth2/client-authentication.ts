import { basicCredentials, isSameSecret } from "../http/basic-credentials.ts";
import type { Incoming } from "../http/messages.ts";
import { badRequest, OAuthRefusal } from "../http/oauth-form.ts";
import { assertionFlaw, clientIdOf, jwtBearer } from "./client-assertion.ts";
import type { AuthenticationMethod, Client } from "./clients.ts";
import { findClient } from "./find-client.ts";
import type { OAuth2State } from "./oauth2-state.ts";

interface Presented {
  readonly id: string;
  readonly method: AuthenticationMethod;
  /** The secret or the assertion. */
  readonly proof: string;
}

/**
 * The client that sends this request.
 *
 * @throws {OAuthRefusal} `invalid_client`, and `invalid_request` where it presents itself twice
 * @see RFC 6749 section 2.3; RFC 7523 section 2.2
 */
export function authenticate(state: OAuth2State, request: Incoming, form: ReadonlyMap<string, string>): Client {
  const presented = presentedBy(request, form);
  const { id, method, proof } = presented;
  const refuse = (description: string): OAuthRefusal =>
    new OAuthRefusal(401, "invalid_client", description, {}, { clientId: id });
  const found = findClient(state, id);
  if ("problem" in found) throw refuse(found.problem);
  const { client } = found;
  if (client.method !== method) {
    throw refuse(`The client is registered for ${client.method}, and this request is of the method ${method}.`);
  }
  if (method === "private_key_jwt") {
    const flaw = assertionFlaw(state, client, proof);
    if (flaw !== undefined) throw refuse(flaw);
  } else if (method !== "none" && !isSameSecret(proof, client.secret ?? "")) {
    throw refuse("The client secret is wrong.");
  } else if (client.secretEndsAt <= state.clock.now()) throw refuse("The client secret has expired.");
  return client;
}

function presentedBy(request: Incoming, form: ReadonlyMap<string, string>): Presented {
  const ways = [fromHeader(request), fromAssertion(form), fromSecret(form)].filter((way) => way !== undefined);
  // RFC 6749 section 2.3: one method in each request.
  if (ways.length > 1) throw badRequest("The client presents itself in more than one way.");
  const inBody = form.get("client_id") || undefined;
  const [way] = ways;
  if (way === undefined) {
    if (inBody === undefined) throw new OAuthRefusal(401, "invalid_client", "The request names no client.");
    return { id: inBody, method: "none", proof: "" };
  }
  if (inBody !== undefined && inBody !== way.id) throw badRequest("client_id is not that of the client's credentials.");
  return way;
}

function fromHeader({ headers: { authorization } }: Incoming): Presented | undefined {
  if (authorization === undefined) return undefined;
  if (!/^Basic /i.test(authorization)) {
    throw new OAuthRefusal(401, "invalid_client", "The Authorization header must be of the scheme Basic.");
  }
  const { id, secret } = basicCredentials(authorization);
  return { id, method: "client_secret_basic", proof: secret };
}

function fromAssertion(form: ReadonlyMap<string, string>): Presented | undefined {
  const proof = form.get("client_assertion");
  const type = form.get("client_assertion_type");
  if (proof === undefined && type === undefined) return undefined;
  if (proof === undefined || type !== jwtBearer) {
    throw badRequest(`client_assertion must come with client_assertion_type=${jwtBearer}.`);
  }
  const id = form.get("client_id") || clientIdOf(proof);
  if (id === undefined) throw new OAuthRefusal(401, "invalid_client", "client_assertion must be a JWT with sub.");
  return { id, method: "private_key_jwt", proof };
}

function fromSecret(form: ReadonlyMap<string, string>): Presented | undefined {
  const [id, proof] = [form.get("client_id"), form.get("client_secret")];
  if (proof === undefined || proof === "") return undefined;
  if (id === undefined || id === "") throw new OAuthRefusal(401, "invalid_client", "client_secret without client_id.");
  return { id, method: "client_secret_post", proof };
}
