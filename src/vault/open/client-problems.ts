/*
 * What cannot work of the client in a provider's record. No problem repeats a secret.
 */
import { flawIn, flawInCopy } from "../../core/verbatim.ts";
import type { Flaw } from "../../core/verbatim.ts";
import { isConfidential } from "../../core/confidential-url.ts";
import { signingKeyOf } from "../../oauth/private-key-jwt.ts";
import type { Provider } from "../../providers/provider.ts";
import { problemOf } from "./provider-problem.ts";
import type { ProviderProblem } from "./provider-problem.ts";

/** Everything about the client that cannot work. */
export function clientProblems(provider: Provider): ProviderProblem[] {
  const { client, name } = provider;
  if (client === "none") return [];
  if (typeof (client as unknown) !== "object" || (client as unknown) === null) {
    return [problemOf(provider, "client", { is: "must be an object or none", hint: "give clientId and clientSecret" })];
  }
  if ("register" in client) return registrationProblems(provider, client.register);
  if ("privateKeyFile" in client) return keyFileProblems(provider, client);
  if ("clientSecretFile" in client) {
    const path: unknown = client.clientSecretFile;
    const flaw = typeof path === "string" ? flawIn(path) : { is: "must be a path", hint: "give the path as a string" };
    return flaw === undefined ? [] : [problemOf(provider, "clientSecretFile", flaw)];
  }
  const { clientId, clientSecret, privateKey } = client as {
    readonly [K in "clientId" | "clientSecret" | "privateKey"]?: unknown;
  };
  if (clientId === "" || clientId === undefined || clientId === null) {
    return [
      {
        problem: `provider ${name} has no client`,
        hint: "give the path of client_secret.json, or clientId and clientSecret",
      },
    ];
  }
  const idFlaw = typeof clientId === "string" ? flawInCopy(clientId) : notText("clientId");
  const secretFlaw = clientSecret === undefined ? undefined : flawOfSecret(clientSecret);
  return [
    ...(idFlaw === undefined ? [] : [problemOf(provider, "clientId", idFlaw)]),
    ...(secretFlaw === undefined
      ? []
      : "problem" in secretFlaw
        ? [{ ...secretFlaw, problem: `provider ${name} ${secretFlaw.problem}` }]
        : [problemOf(provider, "clientSecret", secretFlaw)]),
    ...authenticationProblems(provider, clientSecret !== undefined, privateKey),
  ];
}

function flawOfSecret(secret: unknown): Flaw | ProviderProblem | undefined {
  const isSecret = typeof secret === "object" && secret !== null && "expose" in secret;
  const text: unknown = isSecret && typeof secret.expose === "function" ? (secret.expose() as unknown) : secret;
  if (typeof text !== "string") return notText("clientSecret");
  // With an empty secret, every exchange would fail before it is sent, as if the provider were down.
  if (text === "") {
    return {
      problem: "has no client secret",
      hint: "give the web client's secret; if it comes from an environment variable, check that the variable is set",
    };
  }
  return flawInCopy(text);
}

function notText(name: string): Flaw {
  return { is: "must be a text", hint: `give ${name} as a string` };
}

/** What is wrong with a private key, wherever it stands. */
export const noPrivateKey: Flaw = {
  is: "is no private key that can sign: it must be PEM without a passphrase, or a JWK; RSA with 2,048 bits at least, EC or Ed25519",
  hint: "make one with openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256, and register its public half at the provider",
};

function keyFileProblems(
  provider: Provider,
  { clientId, privateKeyFile, ...rest }: { readonly clientId: string; readonly privateKeyFile: string },
): ProviderProblem[] {
  const flawOf = (value: unknown, flaw: (text: string) => Flaw | undefined): Flaw | undefined =>
    typeof value !== "string" || value === "" ? { is: "must be a text", hint: "give it as a string" } : flaw(value);
  const [idFlaw, pathFlaw] = [flawOf(clientId, flawInCopy), flawOf(privateKeyFile, flawIn)];
  return [
    ...(idFlaw === undefined ? [] : [problemOf(provider, "clientId", idFlaw)]),
    ...(pathFlaw === undefined ? [] : [problemOf(provider, "privateKeyFile", pathFlaw)]),
    ...authenticationProblems(provider, "clientSecret" in rest, undefined, true),
    ...("privateKey" in rest
      ? [problemOf(provider, "privateKey", { is: "and privateKeyFile are both given", hint: "keep one" })]
      : []),
  ];
}

/** Whether what the client has fits how it is to authenticate. */
function authenticationProblems(
  provider: Provider,
  hasSecret: boolean,
  privateKey: unknown,
  hasKey = privateKey !== undefined,
): ProviderProblem[] {
  const { clientAuthentication: method, isIssuerOurs } = provider;
  const problems: (readonly [member: string, flaw: Flaw])[] = [];
  if (privateKey !== undefined) {
    const exposed = privateKey as { readonly expose?: () => unknown };
    const text = typeof exposed === "object" && typeof exposed?.expose === "function" ? exposed.expose() : privateKey;
    if (typeof text !== "string" || signingKeyOf(text) === undefined) problems.push(["privateKey", noPrivateKey]);
  }
  if (hasKey && hasSecret) {
    problems.push(["client", { is: "has a secret and a private key", hint: "keep the one that is registered" }]);
  }
  if (hasKey && isIssuerOurs === true) {
    problems.push([
      "issuer",
      { is: "must be given with a private key", hint: "assertions are addressed to the issuer" },
    ]);
  }
  if (method === "private_key_jwt" ? !hasKey : hasKey && method !== undefined) {
    const need =
      method === "private_key_jwt" ? "needs privateKey or privateKeyFile" : "does not fit a client with a private key";
    problems.push(["clientAuthentication", { is: need, hint: "give the key, or leave clientAuthentication out" }]);
  }
  if (method === "none" && hasSecret) {
    const hint = "leave the secret out for a public client, or leave clientAuthentication out";
    problems.push(["clientAuthentication", { is: "is none, and there is a client secret", hint }]);
  }
  return problems.map(([member, flaw]) => problemOf(provider, member, flaw));
}

/** What cannot work of a client that is to be registered. */
function registrationProblems(provider: Provider, register: unknown): ProviderProblem[] {
  const { clientName, redirectUri, documentUrl } = (register ?? {}) as Readonly<Record<string, unknown>>;
  const problems: (readonly [member: string, flaw: Flaw])[] = [];
  if (provider.server === undefined) {
    problems.push(["server", { is: "is needed to register a client", hint: "use mcpServer(), or give a clientId" }]);
  }
  const nameFlaw = typeof clientName === "string" && clientName !== "" ? flawIn(clientName) : notText("clientName");
  if (nameFlaw !== undefined) problems.push(["clientName", nameFlaw]);
  if (typeof redirectUri !== "string" || !isConfidential(redirectUri) || redirectUri.includes("#")) {
    const hint = "give the address where your sign-ins come back, such as https://app.example/connect/callback";
    problems.push([
      "redirectUri",
      { is: "must be an https URL without a fragment (http on this machine alone)", hint },
    ]);
  }
  if (documentUrl !== undefined && !isDocumentUrl(documentUrl)) {
    const hint = "give the address where your program serves it, such as https://app.example/oauth/client.json";
    problems.push(["clientDocumentUrl", { is: "must be an https URL with a path, without query and fragment", hint }]);
  }
  return problems.map(([member, flaw]) => problemOf(provider, member, flaw));
}

/** @see https://datatracker.ietf.org/doc/html/draft-ietf-oauth-client-id-metadata-document-00#section-3 */
function isDocumentUrl(text: unknown): boolean {
  if (typeof text !== "string" || !URL.canParse(text)) return false;
  const { protocol, pathname, search, hash, username, password } = new URL(text);
  return protocol === "https:" && pathname !== "/" && `${search}${hash}${username}${password}` === "";
}
