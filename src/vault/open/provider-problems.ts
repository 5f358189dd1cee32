import { isPattern, shownIssuer } from "../../core/issuer.ts";
import { flawIn, flawInCopy } from "../../core/verbatim.ts";
import type { Flaw } from "../../core/verbatim.ts";
import { isConfidential } from "../../oauth/confidential-url.ts";
import type { Provider } from "../../providers/provider.ts";
import { shapeProblems, unknownMembers } from "./provider-shape.ts";

/** Something wrong with a provider's record. */
export interface ProviderProblem {
  readonly problem: string;
  readonly hint: string;
}

/**
 * Everything in a provider's record that cannot work, found before it is used: a line end in a secret would otherwise
 * be told of by the provider, with somebody's code, as a wrong secret. No problem repeats a secret.
 */
export function providerProblems(provider: Provider): ProviderProblem[] {
  const given: unknown = provider;
  if (typeof given !== "object" || given === null || !("client" in given)) {
    return [{ problem: "a provider must be a record", hint: "give google({ clientSecretFile }) or oidc({ … })" }];
  }
  const shape = shapeProblems(provider);
  const isShaped = shape.length === 0;
  return [
    ...[...unknownMembers(provider), ...shape].map(({ member, ...flaw }) => problemOf(provider, member, flaw)),
    // Members of another type cannot be looked into.
    ...(isShaped ? [...textProblems(provider), ...endpointProblems(provider)] : []),
    ...clientProblems(provider),
  ];
}

/** The texts of a record that are taken as they stand, each with the name by which a program gives it. */
function textsOf(provider: Provider): (readonly [name: string, value: unknown])[] {
  const { name, issuer, alsoIssuedAs = [], authorizedParties = [], hostedDomain, apiHosts, apiBaseUrl } = provider;
  const { endpoints, endpointsBeside = {}, redirectUriFor } = provider;
  return [
    ["name", name],
    ["issuer", issuer],
    ...alsoIssuedAs.map((each) => ["alsoIssuedAs", each] as const),
    ...Object.entries(endpoints === "discover" ? endpointsBeside : endpoints),
    ...Object.entries(redirectUriFor).map(([source, each]) => [`redirectUriFor ${source}`, each] as const),
    ...authorizedParties.map((each) => ["authorizedParties", each] as const),
    ...(hostedDomain === undefined ? [] : [["hostedDomain", hostedDomain] as const]),
    ...apiHosts.map((each) => ["apiHosts", each] as const),
    ...(apiBaseUrl === undefined ? [] : [["apiBaseUrl", apiBaseUrl] as const]),
  ];
}

function textProblems(provider: Provider): ProviderProblem[] {
  return textsOf(provider).flatMap(([name, value]) => {
    if (value === undefined && name !== "name" && name !== "issuer") return [];
    if (typeof value !== "string") {
      return [problemOf(provider, name, { is: "must be a text", hint: `give ${name} as a string` })];
    }
    const flaw = flawIn(value);
    return flaw === undefined ? [] : [problemOf(provider, name, flaw)];
  });
}

/** Refuses plain http, which carries secrets in clear, except to this machine itself. */
function endpointProblems({ name, endpoints, endpointsBeside = {}, issuer, apiBaseUrl }: Provider): ProviderProblem[] {
  if (endpoints === "discover" && typeof issuer === "string" && isPattern(issuer)) {
    return [
      {
        problem: `provider ${name} has an issuer with a placeholder, ${shownIssuer(issuer)}, where no discovery document can be read`,
        hint:
          "set issuer to the address whose document is read, such as https://login.microsoftonline.com/common/v2.0, " +
          "and alsoIssuedAs to the pattern, with a claim's name in the braces: " +
          "https://login.microsoftonline.com/{tid}/v2.0",
      },
    ];
  }
  const urls: Readonly<Record<string, unknown>> = {
    ...(endpoints === "discover" ? { issuer, ...endpointsBeside } : endpoints),
    ...(apiBaseUrl === undefined ? {} : { apiBaseUrl }),
  };
  return Object.entries(urls).flatMap(([member, text]) => {
    // What is no text, or a text with a flaw, has been told of as that.
    if (typeof text !== "string" || flawIn(text) !== undefined) return [];
    if (!URL.canParse(text)) {
      // The text is not repeated: somebody may have put a secret in this place.
      return [
        {
          problem: `provider ${name} has an endpoint that is not a URL: ${member}`,
          hint: "give an absolute URL, such as https://id.example/token",
        },
      ];
    }
    const { username, password } = new URL(text);
    if (username !== "" || password !== "") {
      // Every message about this provider would show them, and some of its requests would send them.
      return [
        {
          problem: `provider ${name} has an endpoint with a user or a password in it: ${member}`,
          hint: "leave them out; the client's own secret is clientSecret",
        },
      ];
    }
    if (isConfidential(text)) return [];
    return [
      {
        problem: `provider ${name} has an endpoint without https: ${new URL(text).origin}`,
        hint: "give an https URL; plain http is for loopback addresses only",
      },
    ];
  });
}

function clientProblems(provider: Provider): ProviderProblem[] {
  const { client, name } = provider;
  if (client === "none") return [];
  if (typeof (client as unknown) !== "object" || (client as unknown) === null) {
    return [problemOf(provider, "client", { is: "must be an object or none", hint: "give clientId and clientSecret" })];
  }
  if ("clientSecretFile" in client) {
    const path: unknown = client.clientSecretFile;
    const flaw = typeof path === "string" ? flawIn(path) : { is: "must be a path", hint: "give the path as a string" };
    return flaw === undefined ? [] : [problemOf(provider, "clientSecretFile", flaw)];
  }
  const { clientId, clientSecret } = client as { readonly clientId: unknown; readonly clientSecret?: unknown };
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

function problemOf({ name }: Provider, member: string, { is, hint }: Flaw): ProviderProblem {
  const shown = typeof name === "string" && flawIn(name) === undefined ? `provider ${name}` : "a provider";
  return { problem: `${shown}: ${member} ${is}`, hint };
}
