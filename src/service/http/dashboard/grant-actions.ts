/** What an operator may do with a grant: ask the provider about it, let its person connect again, and end it. */
import type { Grant, Provider, Session } from "../../../index.ts";
import { defined } from "../../../core/defined.ts";
import { OnbehalfError, configurationInvalid, invalidRequest } from "../../../core/errors.ts";
import { probeEveryMs } from "../../../core/probe.ts";
import type { ConnectSite } from "../../../vault/http/connect/site.ts";
import { grantBody, probeBody } from "../json-bodies.ts";
import type { Asked, DashboardRoute } from "./asked.ts";
import { isOurs, shownGrant } from "./shown-grant.ts";

/** How many sessions are looked through for those of a grant. */
const mostSessions = 2_000;

export const grantActionRoutes: readonly DashboardRoute[] = [
  { method: "POST", path: "/grants/{grant_id}/probe", needs: "operator", answer: probe },
  { method: "GET", path: "/grants/{grant_id}/ends", needs: "reader", answer: ends },
  { method: "POST", path: "/grants/{grant_id}/connect", needs: "operator", answer: connect },
  { method: "GET", path: "/links/{connect_id}", needs: "reader", answer: link },
  { method: "DELETE", path: "/grants/{grant_id}", needs: "operator", answer: disconnect },
];

async function probe({ vault, named, note }: Asked): Promise<object> {
  const { grantId } = await vault.grant({ grantId: named });
  const found = await vault.probe({ grantId });
  // Where it asked nobody, or the provider gave a token, no other row names the operator.
  const { result, reason, notAsked } = found;
  const seen =
    notAsked === undefined
      ? { outcome: result, detail: reason ?? null }
      : { outcome: "not_asked", detail: reason ?? result };
  await note({ action: "grant.probed", grantId, ...seen });
  return { ...probeBody(found), again_at: new Date(found.checkedAt.getTime() + probeEveryMs) };
}

/** What ends where a grant is ended: to be read before that is done. */
async function ends({ vault, named }: Asked): Promise<object> {
  const grant = await vault.grant({ grantId: named });
  const ref = { grantId: grant.grantId };
  const configured = isOurs(vault, grant);
  const now = vault.clock.now();
  const handles = (await vault.handles.list(ref)).filter(
    ({ revokedAt, expiresAt }) => revokedAt === undefined && (expiresAt?.getTime() ?? Infinity) > now,
  );
  const callers = new Map((await vault.callers.list()).map(({ callerId, name }) => [callerId, name]));
  return {
    external_ids: grantBody(grant)["external_ids"],
    grants: configured ? (await vault.siblings(ref)).map(shownGrant) : [],
    ends_all_of_person: configured && vault.providerOf(grant.provider).revocationEndsSiblings,
    is_configured: configured,
    handles: handles.map(({ handleId, name, forCaller }) => ({ handle_id: handleId, name, for_caller: forCaller })),
    sessions: (await sessionsFor(grant, vault)).map(({ sessionId, callerId }) => ({
      session_id: sessionId,
      caller: callers.get(callerId) ?? callerId,
    })),
  };
}

/** Sessions that see this grant and no other. */
async function sessionsFor({ grantId, externalIds }: Grant, vault: Asked["vault"]): Promise<Session[]> {
  const own = new Set([grantId, ...externalIds.map(({ externalId }) => `ext:${externalId}`)]);
  const found: Session[] = [];
  let cursor: string | undefined;
  for (let seen = 0; seen < mostSessions; seen += 500) {
    const page = await vault.sessions.list(undefined, { limit: 500, ...defined({ cursor }) });
    found.push(...page.sessions.filter(({ grants }) => grants.every((selector) => own.has(selector))));
    if (page.cursor === undefined) break;
    ({ cursor } = page);
  }
  return found;
}

/** How a grant's person can be sent to connect again, or what is missing for that. */
export function reconnecting(grant: Grant, site: ConnectSite | undefined, provider: Provider | undefined): object {
  const lack = lackOf(grant, site, provider !== undefined);
  if (lack !== undefined) return { return_urls: [], lacks: lack.message, fix: lack.hint };
  return {
    return_urls: site?.returnUrls.map(({ text, isPrefix }) => ({ url: text, is_prefix: isPrefix })) ?? [],
    asks_offline: provider !== undefined && asksOffline(provider),
  };
}

/** Whether a link asks for access while the person is away, and for the consent page where no refresh token is held. */
function asksOffline({
  authorizationRequest: { consentForOffline, offlineScope, parameters } = {},
}: Provider): boolean {
  return consentForOffline === true || offlineScope !== undefined || parameters?.["access_type"] === "offline";
}

function lackOf(
  { externalIds, clientId, issuer }: Grant,
  site: ConnectSite | undefined,
  configured: boolean,
): OnbehalfError | undefined {
  if (!configured) {
    return new OnbehalfError(
      "client_misconfigured",
      "the grant belongs to a client that this service is not configured with",
      {
        hint: "configure that client, or let the person connect with the one that is configured",
        details: { issuer, clientId, providerError: "" },
      },
    );
  }
  if (externalIds.length === 0) {
    return invalidRequest(
      "the grant has no external id, and a connect link names the app's user by one",
      "let the person sign in again in the app; send external_id or a ticket with the code, so that the next grant has one",
    );
  }
  if (site === undefined) {
    return configurationInvalid(
      "nobody has said by which URL people reach this service",
      "set ONBEHALF_PUBLIC_URL, and register {that URL}/connect/callback at the provider",
    );
  }
  return undefined;
}

/** Makes a link at which the grant's person consents again, to all that it covered. */
async function connect(asked: Asked): Promise<object> {
  const { vault, named, site } = asked;
  const body = await asked.body();
  const grant = await vault.grant({ grantId: named });
  const lack = lackOf(grant, site, isOurs(vault, grant));
  if (lack !== undefined) throw lack;
  const tie = tieOf(grant, body.get("external_id"), body.get("account"));
  const returnUrl = body.get("return_url");
  const { scopes: usual = [] } = vault.providerOf(grant.provider);
  const begun = await vault.beginConnect(
    {
      provider: grant.provider,
      externalId: tie.externalId,
      grantId: grant.grantId,
      scopes: [...new Set([...usual, ...grant.scopes, ...(grant.missingScopes ?? [])])],
      // By default it is the subject, which another account of the person does not have.
      ...defined({ returnUrl, account: tie.account === grant.subject ? undefined : tie.account }),
    },
    site,
  );
  return {
    connect_id: begun.connectId,
    url: begun.url,
    expires_at: begun.expiresAt,
    external_id: tie.externalId,
  };
}

/** How a link stands that an operator has made. */
async function link({ vault, named }: Asked): Promise<object> {
  const { status, grantId, error } = await vault.connectStatus(named);
  return { status, ...defined({ grant_id: grantId, error }) };
}

function tieOf({ externalIds }: Grant, externalId: string | undefined, account: string | undefined): Tie {
  const fitting = externalIds.filter(
    (tie) =>
      (externalId === undefined || tie.externalId === externalId) && (account === undefined || tie.account === account),
  );
  const [tie] = fitting;
  if (tie !== undefined && fitting.length === 1) return tie;
  throw invalidRequest(
    tie === undefined
      ? "the grant is not known by this external_id"
      : "external_id must be sent: the grant has several",
    "send one of the grant's external_ids, with its account",
    "external_id",
  );
}

type Tie = Grant["externalIds"][number];

async function disconnect({ vault, named }: Asked): Promise<object> {
  const grant = await vault.grant({ grantId: named });
  const ended = await vault.revoke({ grantId: grant.grantId });
  // The list that the operator comes back to says so.
  await vault.directory.lookNow();
  return { grant: shownGrant(ended) };
}
