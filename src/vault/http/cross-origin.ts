/**
 * What lets a page of another origin read the handler's answer, where that origin is allowed; undefined where it is not.
 *
 * @param hasHooks whether the app's session is read, which is in a cookie as a rule
 * @see https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export function corsHeaders(
  request: Request,
  allowed: ReadonlySet<string>,
  hasHooks: boolean,
): Record<string, string> | undefined {
  const origin = request.headers.get("origin");
  if (origin === null || !allowed.has(origin)) return undefined;
  const names = ["content-type", "x-requested-with", "idempotency-key", ...(hasHooks ? ["authorization"] : [])];
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-methods": "POST",
    "access-control-allow-headers": names.join(", "),
    "access-control-max-age": "600",
    vary: "origin",
    // The app's hooks read its session, which is in a cookie as a rule.
    ...(hasHooks ? { "access-control-allow-credentials": "true" } : {}),
  };
}

/** Some answers that an app gives, such as redirects, have headers that nobody can change. */
export function withHeaders(response: Response, headers: Readonly<Record<string, string>>): Response {
  const changed = new Response(response.body, response);
  for (const [name, value] of Object.entries(headers)) {
    if (name === "vary") changed.headers.append(name, value);
    else if (name !== "cache-control" || !changed.headers.has(name)) changed.headers.set(name, value);
  }
  return changed;
}
