import { defined } from "../defined.ts";
import { json, noStore } from "../http/messages.ts";
import type { Incoming, Note, Reply } from "../http/messages.ts";
import { OAuthRefusal } from "../http/oauth-form.ts";
import type { AccessToken } from "../state/ledger.ts";
import { accountOf } from "./account.ts";
import type { OAuth2State } from "./oauth2-state.ts";
import type { OAuth2Settings } from "./settings.ts";
import type { Issued } from "./token-request.ts";

/** The answer to a token request (RFC 6749 section 5.1), with the oddities that the settings ask for. */
export function tokenAnswer(state: OAuth2State, incoming: Incoming, issued: Issued): Reply {
  const { access, refreshToken, note } = issued;
  const { settings } = state;
  const body = defined({
    access_token: access.value,
    token_type: "Bearer",
    expires_in: lifeSaid(settings, access),
    refresh_token: refreshToken?.value,
    refresh_token_expires_in: refreshToken === undefined ? undefined : secondsLeft(access, refreshToken.family.endsAt),
    scope: scopeSaid(settings, access.scopes),
    authed_user: settings.identityInAnswer
      ? { id: `U${String(accountOf(access.authorization.person).id)}` }
      : undefined,
  });
  return written(settings, incoming, 200, body, note);
}

function lifeSaid({ expiresIn }: OAuth2Settings, access: AccessToken): number | string | undefined {
  if (typeof expiresIn === "number") return expiresIn;
  if (expiresIn === "none" || expiresIn === "absent") return undefined;
  const seconds = secondsLeft(access, access.expiresAt);
  return expiresIn === "string" ? String(seconds) : seconds;
}

function secondsLeft({ issuedAt }: AccessToken, endsAt: number | undefined): number | undefined {
  return endsAt === undefined ? undefined : Math.floor((endsAt - issuedAt) / 1_000);
}

function scopeSaid({ scopeAs }: OAuth2Settings, scopes: readonly string[]): string | readonly string[] | undefined {
  switch (scopeAs) {
    case "string":
      return scopes.join(" ");
    case "comma":
      return scopes.join(",");
    case "array":
      return scopes;
    case "absent":
      return undefined;
  }
}

/**
 * Runs the token endpoint: a refusal becomes the body of RFC 6749 section 5.2, with the words and the status that the
 * settings give it.
 */
export function withRefusals(state: OAuth2State, handle: (incoming: Incoming) => Reply): (incoming: Incoming) => Reply {
  return (incoming) => {
    try {
      return handle(incoming);
    } catch (error) {
      // The challenge of a 401 is a matter of HTTP, and stays as it is.
      if (!(error instanceof OAuthRefusal) || error.status === 401) throw error;
      const { refusalWords, refusalStatus } = state.settings;
      const word = Object.hasOwn(refusalWords, error.error) ? refusalWords[error.error] : undefined;
      const body = { error: word ?? error.error, error_description: error.description };
      const status = error.status === 400 ? refusalStatus : error.status;
      return written(state.settings, incoming, status, body, { outcome: error.error, ...error.note });
    }
  };
}

function written(
  { tokenAnswer: how }: OAuth2Settings,
  incoming: Incoming,
  status: number,
  body: Readonly<Record<string, unknown>>,
  note: Note,
): Reply {
  const asForm = how === "form" || (how === "accept" && !/\bjson\b/i.test(incoming.headers.accept ?? ""));
  if (!asForm) return json(status, body, note, noStore);
  const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8", ...noStore };
  return { status, headers, body: formOf(body).toString(), note };
}

/** Lists are joined with commas, as GitHub does it; objects become `name[member]`. */
function formOf(body: Readonly<Record<string, unknown>>): URLSearchParams {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) {
    if (Array.isArray(value)) form.append(name, value.join(","));
    else if (typeof value === "object" && value !== null) {
      for (const [member, inner] of Object.entries(value)) form.append(`${name}[${member}]`, String(inner));
    } else form.append(name, String(value));
  }
  return form;
}
