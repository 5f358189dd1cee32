import { isPattern, shownIssuer } from "../../core/issuer.ts";
import { flawIn } from "../../core/verbatim.ts";
import { isConfidential } from "../../core/confidential-url.ts";
import type { Provider, TokenAnswerIdentity, UserinfoIdentity } from "../../providers/provider.ts";
import { clientProblems } from "./client-problems.ts";
import { problemOf } from "./provider-problem.ts";
import type { ProviderProblem } from "./provider-problem.ts";
import { shapeProblems, unknownMembers } from "./provider-shape.ts";

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
  const { endpoints, endpointsBeside = {}, redirectUriFor, identity, resource = [], scopes = [], server } = provider;
  return [
    ["name", name],
    ["issuer", issuer],
    ...(server === undefined ? [] : [["server", server] as const]),
    ...alsoIssuedAs.map((each) => ["alsoIssuedAs", each] as const),
    ...Object.entries(endpoints === "discover" ? endpointsBeside : endpoints),
    ...Object.entries(redirectUriFor).map(([source, each]) => [`redirectUriFor ${source}`, each] as const),
    ...authorizedParties.map((each) => ["authorizedParties", each] as const),
    ...(hostedDomain === undefined ? [] : [["hostedDomain", hostedDomain] as const]),
    ...apiHosts.map((each) => ["apiHosts", each] as const),
    ...[resource].flat().map((each) => ["resource", each] as const),
    ...scopes.map((each) => ["scopes", each] as const),
    ...(typeof identity === "object" ? identityTexts(identity) : []),
    ...(apiBaseUrl === undefined ? [] : [["apiBaseUrl", apiBaseUrl] as const]),
  ];
}

function identityTexts(identity: TokenAnswerIdentity | UserinfoIdentity): (readonly [name: string, value: unknown])[] {
  return Object.entries(identity).flatMap(([name, value]) =>
    name === "headers" || name === "body"
      ? []
      : [value].flat(2).map((each: unknown) => [`identity.${name}`, each] as const),
  );
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
function endpointProblems(provider: Provider): ProviderProblem[] {
  const { name, endpoints, endpointsBeside = {}, issuer, apiBaseUrl, identity = "id_token", signals } = provider;
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
    ...(typeof identity === "object" && "userinfo" in identity ? { "identity.userinfo": identity.userinfo } : {}),
    ...(signals?.jwksUri === undefined ? {} : { "signals.jwksUri": signals.jwksUri }),
  };
  if (identity === "id_token" && endpoints !== "discover" && endpoints.jwksUri === undefined) {
    const hint = "give the address of its keys, or say in identity where else people are named";
    return [problemOf(provider, "jwksUri", { is: "is needed to verify ID tokens", hint })];
  }
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
