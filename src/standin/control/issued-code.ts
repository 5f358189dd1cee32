import { defined } from "../defined.ts";
import { androidClientId, defaultClientId } from "../state/clients.ts";
import type { Client } from "../state/clients.ts";
import type { Code, CodeKind } from "../state/codes.ts";
import { BadInput, oneOf, read, text, words, yesNo } from "../input-checks.ts";
import type { Check, Spelling } from "../input-checks.ts";
import { isSignInScope, parseScope } from "../state/scopes.ts";
import type { StandinState } from "../state/standin-state.ts";

/** A code as a phone, a popup or a redirect would get it, without the pages in between. */
export interface CodeSpec {
  /** Default `native`. */
  kind?: CodeKind;
  /** Who signs in; an address that nobody has yet becomes a new person. */
  email: string;
  /** The client that will exchange it; default: the built-in one. */
  clientId?: string;
  /** Scopes asked for; default `openid email profile`. */
  scope?: string | readonly string[];
  /** What the person leaves ticked; default: all of it. Sign-in scopes cannot be unticked. */
  grantedScopes?: string | readonly string[];
  /** Default `offline` for native and popup, `online` for redirect. */
  accessType?: "online" | "offline";
  /** `consent` shows consent again, so that a refresh token comes again. */
  prompt?: string;
  /** The phone's `forceCodeForRefreshToken`: the same as `prompt: "consent"`. */
  force?: boolean;
  /** Also cover what was granted to the project before. */
  includeGrantedScopes?: boolean;
  /** Kind `redirect`: the URI of the authorization request, to be repeated at the exchange. */
  redirectUri?: string;
  /** Kind `popup`: the page's origin. */
  origin?: string;
  nonce?: string;
  codeChallenge?: string;
  codeChallengeMethod?: "S256" | "plain";
  /** The phone's own client id, for `azp`; default: the built-in Android client for native codes. */
  azp?: string;
  /** The person's Workspace domain. */
  hd?: string;
  /** Echoed in the answer. */
  state?: string;
}

/** What a phone or a popup gets back. */
export interface IssuedCode {
  readonly code: string;
  /** What was granted, canonical. */
  readonly scope: string;
  readonly email: string;
  readonly sub: string;
  readonly state?: string;
}

const shape = {
  kind: oneOf("native", "popup", "redirect"),
  email: text,
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

const address: Check<string> = (value, name) => {
  if (typeof value === "string" && /^[^\s@]+@[^\s@]+$/.test(value)) return value;
  throw new BadInput(`${name} must be an e-mail address`);
};

/** @throws {BadInput} naming the member that is unknown, missing or wrong. */
export function issueCode(state: StandinState, input: unknown, spelling: Spelling): IssuedCode {
  const spec = read(input, shape, spelling);
  const kind = spec.kind ?? "native";
  const person = state.people.findOrCreate(address(spec.email, "email"));
  if (spec.hd !== undefined) person.hd = spec.hd;
  const client = clientFor(state, spec.clientId ?? defaultClientId);
  if (kind === "redirect" && spec.redirectUri === undefined) {
    throw new BadInput("a redirect code needs the redirect URI of its authorization request");
  }
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

function clientFor(state: StandinState, id: string): Client {
  const client = state.clients.get(id);
  if (client === undefined) throw new BadInput(`no client has the id ${JSON.stringify(id)}`);
  return client;
}

function known(scope: readonly string[]): string[] {
  const { scopes, unknown } = parseScope(scope);
  if (unknown.length > 0) throw new BadInput(`Google knows no scope ${unknown.join(" ")}`);
  return scopes;
}
