/** The routes about grants: taking a code in, listing, showing, ending one, its token, and the proxy. */
import type { Context } from "hono";
import { parseGrantRef } from "../../../index.ts";
import type { GrantRef } from "../../../index.ts";
import { defined } from "../../../core/defined.ts";
import { invalidRequest } from "../../../core/errors.ts";
import { grantStates } from "../../../core/grant-state.ts";
import { codeOptions } from "../../../vault/http/authcode-handler.ts";
import { consentBody } from "../../../vault/http/consent-body.ts";
import { readParameters } from "../../../vault/http/request-body.ts";
import {
  grantBody,
  longestTtlSeconds,
  pageBody,
  probeBody,
  tokenBody,
  tokenHeaders,
  wholeNumber,
} from "../json-bodies.ts";
import { proxy } from "../proxy.ts";
import { queryOf } from "../query.ts";
import { requestId } from "../../../vault/http/request-id.ts";
import { admit, chosen, json, refOf, refuseMethod } from "./router.ts";
import type { Router } from "./router.ts";

const proxiedMethods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

export function grantRoutes({ app, vault, forCallers }: Router): void {
  forCallers("/v1/grants", {
    POST: [
      "grants:create",
      async (context, view) => {
        const parameters = await readParameters(context.req.raw);
        // To pass over it would make a grant of nobody's.
        if (parameters.has("ticket")) {
          throw invalidRequest(
            "ticket must not be sent here",
            "send external_id instead, or let the app hand code and ticket to POST /authcode",
            "ticket",
          );
        }
        const externalId = parameters.get("external_id");
        const account = parameters.get("account");
        const moveExternalId = parameters.flag("move_external_id");
        const asked = codeOptions(parameters, "android");
        const idempotencyKey = context.req.header("idempotency-key");
        const more = defined({ externalId, account, moveExternalId, idempotencyKey });
        const grant = await view.exchangeCode({ ...asked, ...more });
        const consent = consentBody(grant, vault.providerOf(grant.provider), asked.scopes ?? []);
        const { externalId: external_id, account: label } = grant;
        return json({ ...consent, external_id, account: label, grant: grantBody(grant) });
      },
    ],
    GET: [
      "grants:read",
      async (context, view) => {
        const query = queryOf(context);
        const limit = wholeNumber("limit", query.get("limit"), 1, 500);
        const page = await view.grants({
          ...chosen(query, {
            external_id: "externalId",
            account: "account",
            subject: "subject",
            cursor: "cursor",
            provider: "provider",
          }),
          ...stateOf(query.get("state")),
          ...defined({ limit }),
        });
        return json(pageBody(page));
      },
    ],
  });

  forCallers("/v1/grants/:ref", {
    GET: ["grants:read", async (context, view) => json(grantBody(await view.grant(refOf(context))))],
    DELETE: ["grants:revoke", async (context, view) => json(grantBody(await view.revoke(refOf(context))))],
  });

  forCallers("/v1/grants/:ref/probe", {
    POST: ["grants:read", async (context, view) => json(probeBody(await view.probe(refOf(context))))],
  });

  forCallers("/v1/grants/:ref/token", {
    GET: [
      "token",
      async (context, view) => {
        const minTtlSeconds = wholeNumber(
          "min_ttl_seconds",
          queryOf(context).get("min_ttl_seconds"),
          0,
          longestTtlSeconds,
        );
        const refused = queryOf(context).get("refused");
        const token = await view.getAccessToken(refOf(context), defined({ minTtlSeconds, refused }));
        return new Response(tokenBody(token, vault.clock.now()), { headers: tokenHeaders });
      },
    ],
  });

  app.all("/v1/grants/:ref/proxy/*", async (context) => {
    const request = context.req.raw;
    const view = await admit(vault, request, "proxy");
    // fetch() refuses to send these methods: they are meant for the servers between a client and the API.
    if (/^(?:CONNECT|TRACE|TRACK)$/i.test(request.method)) return refuseMethod(proxiedMethods);
    const { pathname, search } = new URL(request.url);
    const target = pathname.split("/").slice(5).join("/");
    // The whole query belongs to the API, so there is no ?provider= or ?account= here: name a grant by its id where several fit.
    return view.during(requestId(request), () => proxy(view, parseRef(context), `${target}${search}`, request));
  });
}

function parseRef(context: Context): GrantRef {
  return parseGrantRef(context.req.param("ref") ?? "");
}

function stateOf(text: string | undefined): { state?: (typeof grantStates)[number] } {
  if (text === undefined) return {};
  const state = grantStates.find((known) => known === text);
  if (state !== undefined) return { state };
  throw invalidRequest("state is not known", `use one of ${grantStates.join(", ")}`, "state");
}
