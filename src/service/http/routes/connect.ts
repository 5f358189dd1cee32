/** The routes of connect links: those by which a caller makes and finishes them, and the person's side. */
import type { CallerView } from "../../../index.ts";
import { defined } from "../../../core/defined.ts";
import { configurationInvalid, invalidRequest } from "../../../core/errors.ts";
import { scopesIn } from "../../../vault/http/authcode-handler.ts";
import type { IssuerOf } from "../../../vault/http/authcode-handler.ts";
import { siteOf } from "../../../vault/http/connect/site.ts";
import type { ConnectSite, SiteFor } from "../../../vault/http/connect/site.ts";
import type { Parameters } from "../../../vault/http/parameters.ts";
import { readParameters } from "../../../vault/http/request-body.ts";
import { grantBody } from "../json-bodies.ts";
import { json } from "./router.ts";
import type { Router } from "./router.ts";

/** What a service is told of connect links. */
export interface ConnectSettings {
  readonly publicUrl?: string;
  readonly returnUrls?: readonly string[] | "own";
  readonly appName?: string;
}

/**
 * @returns answers the person's side; undefined for any other address
 * @param siteFor where links lead, by the request
 */
export function connectRoutes(
  { vault, forCallers }: Router,
  siteFor: SiteFor,
): (request: Request) => Promise<Response> | undefined {
  const handle = vault.connectHandler(siteFor);

  forCallers("/v1/connect", {
    POST: [
      "connect",
      async (context, view) => {
        const site = siteFor(context.req.raw);
        if (site === undefined) throw noPublicUrl();
        const { connectId, url, expiresAt } = await begin(view, await readParameters(context.req.raw), site);
        return json({ connect_id: connectId, url, expires_at: expiresAt }, 201);
      },
    ],
  });
  forCallers("/v1/connect/:connect_id", {
    GET: [
      "connect",
      async (context, view) => {
        const { status, grantId, error } = await view.connectStatus(context.req.param("connect_id") ?? "");
        return json({ status, ...defined({ grant_id: grantId, error }) });
      },
    ],
  });
  forCallers("/v1/connect/:connect_id/finish", {
    POST: [
      "connect",
      async (context, view) => {
        const { raw } = context.req;
        const hasBody =
          ["content-type", "transfer-encoding"].some((name) => raw.headers.has(name)) ||
          (raw.headers.get("content-length") ?? "0") !== "0";
        const parameters = hasBody ? await readParameters(raw) : undefined;
        const proof = { codeVerifier: parameters?.get("code_verifier"), returnCode: parameters?.get("return_code") };
        const grant = await view.finishConnect(context.req.param("connect_id") ?? "", defined(proof));
        return json(grantBody(grant));
      },
    ],
  });

  // Pages for browsers, and no part of what programs ask: they answer no problem details.
  return (request) => (/^\/connect\/[^/]+$/.test(new URL(request.url).pathname) ? handle(request) : undefined);
}

function begin(view: CallerView, parameters: Parameters, site: ConnectSite): ReturnType<CallerView["beginConnect"]> {
  const externalId = parameters.get("external_id");
  if (externalId === undefined)
    throw invalidRequest("external_id is missing", "send the app's own user id", "external_id");
  const returnUrl = parameters.get("return_url");
  if (returnUrl === undefined)
    throw invalidRequest("return_url is missing", "send where the person shall come back to", "return_url");
  const method = parameters.get("code_challenge_method");
  if (method !== undefined && method !== "S256") {
    throw invalidRequest(
      "code_challenge_method must be S256",
      "make the challenge with S256, or leave both out",
      "code_challenge_method",
    );
  }
  return view.beginConnect(
    {
      externalId,
      returnUrl,
      ...defined({
        provider: parameters.get("provider"),
        account: parameters.get("account"),
        grantId: parameters.get("grant_id"),
        scopes: scopesIn(parameters),
        codeChallenge: parameters.get("code_challenge"),
        codeChallengeMethod: method === undefined ? undefined : ("S256" as const),
        returnCodeRequired: parameters.flag("return_code_required"),
        loginHint: parameters.get("login_hint"),
        forceConsent: parameters.flag("force_consent"),
        userLabel: parameters.get("user_label"),
      }),
    },
    site,
  );
}

/**
 * Where links lead: beneath the public URL, or where a server listens. Read once for each such place.
 *
 * @param issuerOf says where the service is reached, where `publicUrl` does not
 */
export function sitesOf(
  { publicUrl, returnUrls = [], appName }: ConnectSettings,
  issuerOf: IssuerOf | undefined,
): SiteFor {
  const listed = returnUrls === "own" ? undefined : returnUrls;
  const known = new Map<string, ConnectSite>();
  const siteAt = (url: string): ConnectSite =>
    siteOf({ baseUrl: `${url.replace(/\/+$/, "")}/connect`, ...defined({ returnUrls: listed, appName }) });
  // What is wrong with the settings is said at the start.
  if (publicUrl !== undefined) known.set(publicUrl, siteAt(publicUrl));
  else siteAt("http://127.0.0.1");
  return (request) => {
    const url = publicUrl ?? (issuerOf ?? ownAddress)(request);
    if (url === undefined) return undefined;
    const site = known.get(url) ?? siteAt(url);
    if (known.size < 10) known.set(url, site);
    return site;
  };
}

/** While an app is being written, it is reached on this machine, by names that nobody else can give. */
export function ownAddress({ url }: Request): string | undefined {
  const { hostname, origin } = new URL(url);
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname) ? origin : undefined;
}

function noPublicUrl(): ReturnType<typeof configurationInvalid> {
  return configurationInvalid(
    "nobody has said by which URL people reach this service",
    "set publicUrl: connect links lead there, and {publicUrl}/connect/callback is registered at the providers",
  );
}
