/** The routes by which a caller makes, lists and ends handles of a grant. */
import { defined } from "../../../core/defined.ts";
import { invalidRequest } from "../../../core/errors.ts";
import type { Parameters } from "../../../vault/http/parameters.ts";
import { scopesIn } from "../../../vault/http/authcode-handler.ts";
import { readParameters } from "../../../vault/http/request-body.ts";
import { handleBody } from "../json-bodies.ts";
import { created, json, refOf } from "./router.ts";
import type { Router } from "./router.ts";

export function handleRoutes({ forCallers }: Router): void {
  forCallers("/v1/grants/:ref/handles", {
    POST: [
      "handles",
      async (context, { handles }) => {
        const parameters = await readParameters(context.req.raw);
        const name = parameters.get("name");
        if (name === undefined) throw invalidRequest("name is missing", "send a name for the handle", "name");
        const { handle, secret } = await handles.create(refOf(context), {
          name,
          ...defined({
            forCaller: parameters.get("for_caller"),
            scopes: scopesIn(parameters),
            expiresInSeconds: secondsIn(parameters, "expires_in"),
          }),
        });
        return created({ ...handleBody(handle), handle: secret.expose() });
      },
    ],
    GET: [
      "handles",
      async (context, { handles }) => json({ handles: (await handles.list(refOf(context))).map(handleBody) }),
    ],
  });
  forCallers("/v1/grants/:ref/handles/:handle_id", {
    DELETE: [
      "handles",
      async (context, { handles }) =>
        json(handleBody(await handles.revoke(refOf(context), context.req.param("handle_id") ?? ""))),
    ],
  });
}

/** A number of seconds, as JSON has it or as text. */
function secondsIn(parameters: Parameters, name: string): number | undefined {
  const seconds = parameters.number(name);
  if (seconds === undefined || (Number.isSafeInteger(seconds) && seconds >= 1 && seconds <= 315_360_000))
    return seconds;
  throw invalidRequest(
    `${name} must be a whole number of seconds from 1 to 315360000`,
    `send ${name} as plain digits, or leave it out`,
    name,
  );
}
