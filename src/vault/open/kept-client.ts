import type { Clock } from "../../core/clock.ts";
import { defined } from "../../core/defined.ts";
import { Secret } from "../../core/secret.ts";
import type { RegisteredClient } from "../../oauth/client-registration.ts";
import type { Client, ClientAuthenticationMethod } from "../../providers/provider.ts";

/** Which client we are at an MCP server, and at which of its authorization servers. It is kept sealed, as a whole. */
export interface KeptClient {
  /** `given`: by the record. `document`: its id is the address of a document of ours. `registered`: by the server. */
  readonly kind: "given" | "document" | "registered";
  /** The authorization server. Credentials and tokens of this client go to no other. */
  readonly issuer: string;
  /** Whether it is that of a server without metadata, of an old revision of the protocol. */
  readonly isOld?: true;
  /** What tokens are asked for. */
  readonly resource: string;
  readonly scopes?: readonly string[];
  /** The redirect URI that it was registered with. */
  readonly redirectUri?: string;
  readonly client: Client;
  /** How a registered client authenticates. */
  readonly authentication?: ClientAuthenticationMethod;
  /** When its secret ends, milliseconds since the epoch. */
  readonly secretExpiresAt?: number;
  readonly registrationAccessToken?: Secret;
  readonly registrationUri?: string;
}

/** What is sealed. A client that the record gives keeps its secret there. */
export function keptText({ client, registrationAccessToken, ...rest }: KeptClient): Secret {
  const { clientId, clientSecret } = client;
  const secret = rest.kind === "registered" ? clientSecret?.expose() : undefined;
  return new Secret(
    JSON.stringify({
      ...rest,
      clientId,
      clientSecret: secret,
      registrationAccessToken: registrationAccessToken?.expose(),
    }),
  );
}

/** Reads what was sealed. */
export function keptOf(text: string): KeptClient {
  const { clientId, clientSecret, registrationAccessToken, ...rest } = JSON.parse(text) as Omit<
    KeptClient,
    "client" | "registrationAccessToken"
  > & { readonly clientId: string; readonly clientSecret?: string; readonly registrationAccessToken?: string };
  return {
    ...rest,
    client: defined({ clientId, clientSecret: secretOf(clientSecret) }),
    ...defined({ registrationAccessToken: secretOf(registrationAccessToken) }),
  };
}

function secretOf(text: string | undefined): Secret | undefined {
  return text === undefined ? undefined : new Secret(text);
}

/** What is kept of a registration. */
export function keptRegistration(
  at: Pick<KeptClient, "issuer" | "isOld" | "resource" | "scopes" | "redirectUri">,
  registered: RegisteredClient,
): KeptClient {
  return { kind: "registered", ...at, ...registered };
}

/** Whether the secret of a client has ended. */
export function hasEnded({ secretExpiresAt }: KeptClient, clock: Clock): boolean {
  return secretExpiresAt !== undefined && secretExpiresAt <= clock.now();
}
