import type { Secret } from "../core/secret.ts";
import type { UserinfoIdentity } from "../providers/provider.ts";
import { boundedRequest } from "./bounded-fetch.ts";
import type { BoundedFetch, HttpResult } from "./bounded-fetch.ts";

/** Asks the userinfo endpoint that a provider's record names whose an access token is. It never throws. */
export function askUserinfo(
  http: BoundedFetch,
  { userinfo, headers, body }: Pick<UserinfoIdentity, "userinfo" | "headers" | "body">,
  accessToken: Secret,
): Promise<HttpResult> {
  const isPost = body !== undefined;
  return boundedRequest(http, (signal) =>
    http.fetch(userinfo, {
      method: isPost ? "POST" : "GET",
      ...(isPost ? { body: JSON.stringify(body) } : {}),
      signal,
      // To follow would give the token to whoever the answer names.
      redirect: "error",
      headers: {
        accept: "application/json",
        ...(isPost ? { "content-type": "application/json" } : {}),
        ...headers,
        authorization: `Bearer ${accessToken.expose()}`,
      },
    }),
  );
}
