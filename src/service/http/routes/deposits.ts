/** The route that takes in refresh tokens which the app got elsewhere. */
import { defined } from "../../../core/defined.ts";
import { invalidRequest } from "../../../core/errors.ts";
import { readParameters } from "../../../vault/http/request-body.ts";
import { grantBody } from "../json-bodies.ts";
import { created } from "./router.ts";
import type { Router } from "./router.ts";

export function depositRoutes({ forCallers }: Router): void {
  forCallers("/v1/grants/deposit", {
    POST: [
      "grants:create",
      async (context, view) => {
        const parameters = await readParameters(context.req.raw);
        const text = (name: string): string => {
          const value = parameters.get(name);
          if (value !== undefined) return value;
          throw invalidRequest(`${name} must be sent`, `send ${hints[name] ?? name}`, name);
        };
        const refreshToken = text("refresh_token");
        const externalId = text("external_id");
        // Of access_token and expires_at nothing is used: what the refresh brings is kept.
        const more = {
          account: parameters.get("account"),
          provider: parameters.get("provider"),
          scope: parameters.words("scope")?.join(" "),
          sendAgain: parameters.flag("send_again"),
        };
        return created(grantBody(await view.deposit({ refreshToken, externalId, ...defined(more) })));
      },
    ],
  });
}

const hints: Readonly<Record<string, string>> = {
  refresh_token: "the refresh token, as the provider issued it",
  external_id: "the app's own user id, by which the grant is then named",
};
