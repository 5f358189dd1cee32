/** The route by which a caller makes tickets for phones. */
import { invalidRequest } from "../../../core/errors.ts";
import { defined } from "../../../core/defined.ts";
import { scopesIn } from "../../../vault/http/authcode-handler.ts";
import { readParameters } from "../../../vault/http/request-body.ts";
import { json } from "./router.ts";
import type { Router } from "./router.ts";

export function ticketRoutes({ forCallers }: Router): void {
  forCallers("/v1/tickets", {
    POST: [
      "connect",
      async (context, view) => {
        const parameters = await readParameters(context.req.raw);
        const externalId = parameters.get("external_id");
        if (externalId === undefined) {
          throw invalidRequest("external_id is missing", "send the app's own user id", "external_id");
        }
        const made = await view.createTicket({
          externalId,
          ...defined({
            provider: parameters.get("provider"),
            account: parameters.get("account"),
            scopes: scopesIn(parameters),
            nonceRequired: parameters.flag("nonce_required"),
          }),
        });
        return json({ ticket: made.ticket, nonce: made.nonce, expires_at: made.expiresAt }, 201);
      },
    ],
  });
}
