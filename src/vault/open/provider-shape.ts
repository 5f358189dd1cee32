/*
 * What each member of a provider's record must be. A record is data: a program without types, or a file of settings,
 * could give anything. Whether a text of it can work does not belong here (provider-problems.ts).
 */
import { unknownNames } from "../../core/known-names.ts";
import type { RefusalMeaning } from "../../core/refresh.ts";
import { isConfidential } from "../../core/confidential-url.ts";
import { codeSources } from "../../providers/provider.ts";

type Fits = (value: unknown) => boolean;

/** A member that is not what it must be. */
export interface ShapeProblem {
  readonly member: string;
  /** What follows the member's name: "must be …". */
  readonly is: string;
  readonly hint: string;
}

const meanings: Readonly<Record<RefusalMeaning, true>> = {
  dead: true,
  reauthenticate: true,
  restricted: true,
  misconfigured: true,
  transient: true,
  limited: true,
  ours: true,
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText: Fits = (value) => typeof value === "string";
const isFilled: Fits = (value) => typeof value === "string" && value.trim() !== "";
const isTruth: Fits = (value) => typeof value === "boolean";
const isAboveZero: Fits = (value) => typeof value === "number" && Number.isFinite(value) && value > 0;
const listOf =
  (fits: Fits): Fits =>
  (value) =>
    Array.isArray(value) && value.every((each) => fits(each));
const recordOf =
  (fits: Fits): Fits =>
  (value) =>
    isRecord(value) && Object.values(value).every((each) => fits(each));
const orWord =
  (words: readonly string[], fits: Fits): Fits =>
  (value) =>
    (typeof value === "string" && words.includes(value)) || fits(value);

/** A header's name, or its beginning with a `*`. */
const isHeader: Fits = (value) => typeof value === "string" && /^(?:[!#$%&'+.^_`|~\w-]+\*?|\*)$/.test(value);

const isTokenRefusal: Fits = (value) =>
  isRecord(value) &&
  Number.isInteger(value["status"]) &&
  Number(value["status"]) >= 200 &&
  Number(value["status"]) <= 599 &&
  (value["word"] === undefined || isFilled(value["word"]));

/** Members of a userinfo identity; those but the first three are paths of claims. */
const identityMembers: ReadonlySet<string> = new Set(
  "userinfo headers body subject email email_verified name picture given_name family_name locale".split(" "),
);

const isIdentity: Fits = (value) => {
  if (!isRecord(value)) return false;
  const names = Object.keys(value);
  if ("tokenAnswer" in value) return names.length === 1 && isPaths(value["tokenAnswer"]);
  const { headers = {}, body = {}, userinfo, subject, ...claims } = value;
  return (
    names.every((name) => identityMembers.has(name)) &&
    isFilled(userinfo) &&
    isFilled(subject) &&
    recordOf(isHeaderValue)(headers) &&
    (body === null || isRecord(body)) &&
    recordOf((claim) => claim === undefined || isFilled(claim))(claims)
  );
};

const isSomeOf =
  (fits: Fits): Fits =>
  (value) =>
    fits(value) || (Array.isArray(value) && value.length > 0 && value.every((each) => fits(each)));
/** A path, or a list whose elements are paths or lists of paths. */
const isPaths = isSomeOf(isSomeOf(isFilled));

const isHeaderValue: Fits = (value) => typeof value === "string" && /^[\x20-\x7e]+$/.test(value);

/** An absolute URI without a fragment (RFC 8707 section 2). */
const isResource: Fits = (value) =>
  typeof value === "string" && URL.canParse(value) && !value.includes("#") && value.trim() !== "";

const isSource: Fits = (value) => codeSources.some((source) => source === value);

/** What a connect link sets itself: a record that could replace these would break what protects it. */
const isOursToSet =
  /^(?:client_id|client_secret|redirect_uri|response_type|response_mode|state|nonce|code_challenge.*|request|request_uri)$/i;

const isAuthorizationRequest: Fits = (value) => {
  if (!isRecord(value)) return false;
  const {
    parameters = {},
    offlineScope = "x",
    consentForOffline = true,
    scopeParameter = "x",
    scopeSeparator = " ",
    subjectHint = true,
    ...rest
  } = value;
  return (
    Object.keys(rest).length === 0 &&
    recordOf(isText)(parameters) &&
    !Object.keys(parameters as object).some((name) => isOursToSet.test(name)) &&
    isFilled(offlineScope) &&
    isTruth(consentForOffline) &&
    isTruth(subjectHint) &&
    isFilled(scopeParameter) &&
    !isOursToSet.test(String(scopeParameter)) &&
    isText(scopeSeparator) &&
    scopeSeparator !== ""
  );
};

const isAddress: Fits = (value) => typeof value === "string" && URL.canParse(value) && isConfidential(value);

const isSignalSource: Fits = (value) => {
  if (!isRecord(value)) return false;
  const { issuer, alsoIssuedAs = [], jwksUri, audience = [], isTypOptional = true, ...rest } = value;
  return (
    Object.keys(rest).length === 0 &&
    // Without the address of its keys, they are looked for at the issuer's. A given one is looked at with the endpoints.
    (jwksUri === undefined ? isAddress(issuer) : isFilled(issuer) && isFilled(jwksUri)) &&
    listOf(isFilled)(alsoIssuedAs) &&
    (isFilled(audience) || listOf(isFilled)(audience)) &&
    isTruth(isTypOptional)
  );
};

const isWebPage: Fits = (value) =>
  typeof value === "string" && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);

/** Each member, with what it must be and an example; those that may be absent are not asked for. */
const rules: readonly (readonly [member: string, fits: Fits, must: string, example: string])[] = [
  ["endpoints", orWord(["discover"], isRecord), 'an object of URLs or "discover"', "{ tokenEndpoint: … }"],
  ["endpointsBeside", isRecord, "an object of URLs", "{ revocationEndpoint: … }"],
  ["redirectUriFor", recordOf((value) => value === undefined || isText(value)), "an object of texts", "{ ios: … }"],
  ["alsoIssuedAs", listOf(isText), "a list of texts", '["https://id.example/"]'],
  ["unknownNonces", listOf(isSource), `a list of ${codeSources.join(", ")}`, '["ios"]'],
  ["authorizedParties", listOf(isText), "a list of client ids", '["1-a.apps.example"]'],
  ["apiHosts", listOf(isText), "a list of hosts", '["api.example.com"]'],
  ["tokenHosts", listOf(isText), "a list of hosts", '["token.example.com"]'],
  ["idTokenAlgorithms", listOf(isFilled), "a list of JWS algorithms", '["RS256"]'],
  [
    "clientAuthentication",
    orWord(["client_secret_post", "client_secret_basic", "private_key_jwt", "none"], () => false),
    "client_secret_post, client_secret_basic, private_key_jwt or none",
    '"client_secret_basic"',
  ],
  [
    "rotation",
    orWord(
      ["none", "strict"],
      (value) => isRecord(value) && (value["graceSeconds"] === 0 || isAboveZero(value["graceSeconds"])),
    ),
    "none, strict or { graceSeconds }, a number of seconds",
    '"strict"',
  ],
  [
    "canonicalScopes",
    recordOf(isFilled),
    "an object of texts: each scope with the provider's own name",
    '{ mail: "https://api.example/mail" }',
  ],
  ["forwardHeaders", listOf(isHeader), "a list of header names, each with a * at its end at most", '["x-example-*"]'],
  [
    "refusals",
    recordOf((value) => typeof value === "string" && Object.hasOwn(meanings, value)),
    `an object of error codes, each with one of ${Object.keys(meanings).join(", ")}`,
    '{ token_revoked: "dead" }',
  ],
  [
    "tokenRefusals",
    listOf(isTokenRefusal),
    "a list of objects with a status of 200 to 599, and a word if any that is not empty",
    '[{ status: 403, word: "INVALID_SESSION_ID" }]',
  ],
  [
    "identity",
    orWord(["id_token", "none"], isIdentity),
    "id_token, none, { tokenAnswer } or { userinfo, subject }, where each further member is the path of a claim",
    '{ userinfo: "https://api.example/user", subject: "id" }',
  ],
  ["isIssuerOurs", isTruth, "true or false", "true"],
  ["server", isFilled, "the URL of an MCP server", '"https://mcp.example/mcp"'],
  [
    "resource",
    (value) => isResource(value) || listOf(isResource)(value),
    "an absolute URI without a fragment, or a list of them",
    '"https://api.example"',
  ],
  ["scopes", listOf(isFilled), "a list of texts", '["repo"]'],
  ["tokensIn", isFilled, "the name of a member", '"authed_user"'],
  ["otherTokensIn", listOf(isFilled), "a list of names of members", '["authed_user"]'],
  ["dpop", isTruth, "true or false", "true"],
  ["privateApis", isTruth, "true or false", "true"],
  ["revocationEndsSiblings", isTruth, "true or false", "false"],
  [
    "authorizationRequest",
    isAuthorizationRequest,
    "an object with parameters, offlineScope, consentForOffline, scopeParameter, scopeSeparator or subjectHint",
    '{ parameters: { access_type: "offline" } }',
  ],
  ["displayName", isFilled, "a text", '"Example"'],
  ["connectionsPage", isWebPage, "the URL of a page", '"https://id.example/apps"'],
  ["accessTokenTtlSeconds", isAboveZero, "a number of seconds above 0", "3600"],
  [
    "announcedEnds",
    recordOf(orWord(["moves", "fixed"], () => false)),
    "an object of members, each with moves or fixed",
    '{ refresh_expires_in: "moves" }',
  ],
  ["keepAliveDays", isAboveZero, "a number of days above 0", "30"],
  [
    "signals",
    isSignalSource,
    "an object with issuer, and if need be jwksUri, audience, alsoIssuedAs and isTypOptional, whose addresses are https URLs",
    '{ issuer: "https://ssf.example" }',
  ],
  ["offlineHint", isText, "a text", '"ask for the scope offline_access"'],
];

/** Members whose values are looked at elsewhere: texts, the client, and what only a record of ours has. */
const others = ["name", "issuer", "client", "clientProject", "hostedDomain", "apiBaseUrl"];

/** The members of a provider's record that nobody knows. */
export function unknownMembers(provider: object): ShapeProblem[] {
  const known = [...others, ...rules.map(([member]) => member)];
  return unknownNames(provider, known).map(({ name, meant }) => ({
    member: name,
    is: "is no member of a provider's record",
    hint: meant === undefined ? `use ${known.join(", ")}` : `write ${meant}`,
  }));
}

/** Everything in a provider's record that is of the wrong type or out of range, by the member's name. */
export function shapeProblems(provider: object): ShapeProblem[] {
  const given = provider as Readonly<Record<string, unknown>>;
  return rules.flatMap(([member, fits, must, example]) => {
    const value = given[member];
    if (value === undefined || fits(value)) return [];
    return [{ member, is: `must be ${must}`, hint: `give ${member} as in ${example}, or leave it out` }];
  });
}
