/**
 * The cookie's name. With the prefix, no other host of the domain can set it, and no connection without TLS.
 *
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3.2
 */
function nameAt(isHttps: boolean): string {
  return isHttps ? "__Host-onbehalf-operator" : "onbehalf-operator";
}

/** What a browser has sent as the cookie; undefined where it has sent none, or several. */
export function cookieOf({ headers }: Request, isHttps: boolean): string | undefined {
  const name = `${nameAt(isHttps)}=`;
  const values = (headers.get("cookie") ?? "")
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(name))
    .map((pair) => pair.slice(name.length));
  const [value, ...others] = new Set(values);
  return others.length === 0 ? value : undefined;
}

/**
 * The header that gives a browser the cookie. No script reads it, and no other site's page sends it. It lasts as long as the
 * browser runs; how long a sign-in lasts, the store knows.
 *
 * @param value empty: takes it away
 */
export function setCookie(value: string, isHttps: boolean): string {
  const gone = value === "" ? "; Max-Age=0" : "";
  return `${nameAt(isHttps)}=${value}; Path=/; HttpOnly; SameSite=Strict${isHttps ? "; Secure" : ""}${gone}`;
}
