import { hourMs } from "../../clock.ts";
import { isInGrace } from "../../state/rotation.ts";
import { assertBound } from "./dpop.ts";
import { OAuthRefusal } from "../../http/oauth-form.ts";
import type { Note } from "../../http/messages.ts";
import type { AccessToken, RefreshToken } from "../../state/ledger.ts";
import { fingerprint } from "../../state/shortened.ts";
import type { Person } from "../../state/people.ts";
import { parseScope } from "../state/scopes.ts";
import type { GoogleState } from "../state/google-state.ts";

export interface Refreshed {
  readonly access: AccessToken;
  /** The refresh token that the answer carries, where the provider rotates. */
  readonly replacement: RefreshToken | undefined;
  readonly note: Note;
}

/** Uses a refresh token, or throws what the token endpoint answers (RFC 6749 section 6, RFC 9700 section 4.14.2). */
export function refresh(
  state: GoogleState,
  clientId: string,
  value: string,
  scope: string | undefined,
  key: string | undefined,
  policy: (person: Person, note: Partial<Note>) => void,
): Refreshed {
  const { ledger, settings, clock } = state;
  const token = ledger.refreshToken(value);
  if (token === undefined) throw new OAuthRefusal(400, "invalid_grant", "Bad Request", {}, { clientId });
  const { family } = token;
  const { authorization } = family;
  const note = { grant: authorization.person.email, clientId, family: family.id, generation: token.generation };
  const refuse = (status: number, error: string, description: string, outcome = error): OAuthRefusal =>
    new OAuthRefusal(status, error, description, {}, { ...note, outcome });

  if (family.clientId !== clientId) throw refuse(401, "unauthorized_client", "Unauthorized");
  assertBound(family.boundTo, key);
  const inGrace = isInGrace(token, settings, clock.now());
  if (token.supersededAt !== undefined && !inGrace) {
    // Checked before the end of the family: a used token that comes back is a different outcome from one that just ended.
    const since = ledger.deadSince(family) ?? token.supersededAt;
    if (settings.revokeFamilyOnReuse) ledger.endFamily(family);
    throw refuse(400, "invalid_grant", whyDead(since, clock.now()), "reused_token");
  }
  const dead = ledger.deadSince(family);
  if (dead !== undefined) throw refuse(400, "invalid_grant", whyDead(dead, clock.now()));
  policy(authorization.person, note);
  const scopes = narrowed(family.scopes, scope);
  if (scopes === undefined) throw refuse(400, "invalid_scope", "Some requested scopes were not granted.");

  family.lastUsedAt = clock.now();
  const replacement = inGrace ? family.current : settings.rotation === "none" ? undefined : ledger.rotate(family);
  const access = ledger.issueAccess({ authorization, family, clientId, azp: family.azp, scopes });
  const issued = replacement === undefined ? undefined : fingerprint(replacement.value);
  return { access, replacement, note: { ...note, outcome: inGrace ? "refreshed_in_grace" : "refreshed", issued } };
}

/** How long an ended refresh token is answered with the reason. After that the answer is only "Bad Request". */
const rememberedMs = 12 * hourMs;

/** The description for an ended token: Google gives the reason for about half a day, and then no longer. */
function whyDead(since: number, now: number): string {
  return now - since < rememberedMs ? "Token has been expired or revoked." : "Bad Request";
}

function narrowed(granted: readonly string[], scope: string | undefined): readonly string[] | undefined {
  if (scope === undefined || scope === "") return granted;
  const { scopes } = parseScope(scope);
  return scopes.every((asked) => granted.includes(asked)) ? scopes : undefined;
}
