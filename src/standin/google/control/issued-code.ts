import { defined } from "../../defined.ts";
import { androidClientId, defaultClientId } from "../state/clients.ts";
import type { Client } from "../state/clients.ts";
import type { Code, CodeKind } from "../state/codes.ts";
import { BadInput, address, oneOf, read, spelled, text, words, yesNo } from "../../input-checks.ts";
import type { Spelling } from "../../input-checks.ts";
import { isSignInScope, parseScope } from "../state/scopes.ts";
import type { GoogleState } from "../state/google-state.ts";

/** The code that a test wants: as a phone, a popup or a redirect would get it, without the pages in between. */
export interface CodeSpec {
  /** Which sign-in it stands for: a phone's (`native`), a popup's or a redirect's. Default `native`. */
  kind?: CodeKind;
  /** Who signs in. An address that nobody has yet becomes a new person. */
  email: string;
  /** The client that will exchange the code. Default: the built-in one. */
  clientId?: string;
  /** The scopes that the app asks for. Default `openid email profile`. */
  scope?: string | readonly string[];
  /** The scopes that the person leaves ticked. Default: all of them. Sign-in scopes cannot be unticked. */
  grantedScopes?: string | readonly string[];
  /** Whether the app asks for a refresh token. Default `offline` for native and popup, `online` for redirect. */
  accessType?: "online" | "offline";
  /** `consent` shows the consent page again, so that the exchange brings a refresh token again. */
  prompt?: string;
  /** What a phone calls `forceCodeForRefreshToken`: the same as `prompt: "consent"`. */
  force?: boolean;
  /** Whether the code also covers what the person granted to the project before. Default false. */
  includeGrantedScopes?: boolean;
  /** For the kind `redirect`, required: the URI of the authorization request, which the exchange must repeat. */
  redirectUri?: string;
  /** For the kind `popup`: the page's origin. */
  origin?: string;
  /** Comes back in the ID token. */
  nonce?: string;
  /** The PKCE challenge of the authorization request (RFC 7636). Default: none. */
  codeChallenge?: string;
  /** Default `plain`. */
  codeChallengeMethod?: "S256" | "plain";
  /** The client id for `azp`. Default: the built-in Android client for native codes, else the exchanging client. */
  azp?: string;
  /** Sets the person's Workspace domain. */
  hd?: string;
  /** Comes back in the answer of `POST /standin/code`. */
  state?: string;
}

/** What a phone or a popup gets back. */
export interface IssuedCode {
  readonly code: string;
  /** The scopes that were granted, by their canonical names. */
  readonly scope: string;
  readonly email: string;
  readonly sub: string;
  readonly state?: string;
}

const shape = {
  kind: oneOf("native", "popup", "redirect"),
  email: address,
  clientId: text,
  scope: words,
  grantedScopes: words,
  accessType: oneOf("online", "offline"),
  prompt: text,
  force: yesNo,
  includeGrantedScopes: yesNo,
  redirectUri: text,
  origin: text,
  nonce: text,
  codeChallenge: text,
  codeChallengeMethod: oneOf("S256", "plain"),
  azp: text,
  hd: text,
  state: text,
};

/**
 * Issues a code.
 *
 * @throws {BadInput} naming the member that is unknown, missing or wrong
 */
export function issueCode(state: GoogleState, input: unknown, spelling: Spelling): IssuedCode {
  const spec = read(input, shape, spelling, ["email"]);
  const kind = spec.kind ?? "native";
  const client = knownClient(state, spec.clientId ?? defaultClientId);
  if (kind === "redirect" && spec.redirectUri === undefined) {
    throw new BadInput(
      `${spelled("redirectUri", spelling)} is required: a code of the kind redirect needs the redirect URI of its authorization request`,
    );
  }
  const person = state.people.findOrCreate(spec.email);
  if (spec.hd !== undefined) person.hd = spec.hd;
  const asked = known(spec.scope ?? ["openid", "email", "profile"]);
  const ticked = spec.grantedScopes === undefined ? asked : known(spec.grantedScopes);
  const granted = asked.filter((scope) => isSignInScope(scope) || ticked.includes(scope));
  const before = state.ledger.authorization(person, client.project)?.scopes ?? [];
  const scopes = spec.includeGrantedScopes === true ? [...new Set([...granted, ...before])] : granted;
  const code = state.codes.issue({
    kind,
    clientId: client.id,
    azp: spec.azp ?? (kind === "native" ? androidClientId : client.id),
    authorization: state.ledger.consent(person, client.project, granted),
    scopes,
    redirectUri: spec.redirectUri,
    origin: spec.origin,
    nonce: spec.nonce,
    challenge:
      spec.codeChallenge === undefined
        ? undefined
        : { value: spec.codeChallenge, method: spec.codeChallengeMethod ?? "plain" },
    offline: offlineFor(spec.accessType ?? (kind === "redirect" ? "online" : "offline"), consentForced(spec)),
  });
  const { email, sub } = person;
  return defined({ code: code.value, scope: scopes.join(" "), email, sub, state: spec.state });
}

function consentForced(spec: { force?: boolean; prompt?: string }): boolean {
  return spec.force === true || spec.prompt?.split(" ").includes("consent") === true;
}

function offlineFor(accessType: "online" | "offline", forced: boolean): Code["offline"] {
  if (accessType === "online") return "never";
  return forced ? "always" : "first";
}

function knownClient(state: GoogleState, id: string): Client {
  const client = state.clients.get(id);
  if (client === undefined) throw new BadInput(`there is no client with the id ${JSON.stringify(id)}`);
  return client;
}

function known(scope: readonly string[]): string[] {
  const { scopes, unknown } = parseScope(scope);
  if (unknown.length > 0) throw new BadInput(`Google has no scope ${unknown.join(" ")}`);
  return scopes;
}
