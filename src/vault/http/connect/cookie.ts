import { isRandomText, randomText } from "./link.ts";

/** Which browser it is, for as long as a link may live. */
export interface BrowserCookie {
  readonly value: string;
  /** The header that lets the browser keep it. */
  readonly header: string;
}

/** How long a browser keeps it, seconds: as long as the link that was opened last. */
const lifeSeconds = 900;

/**
 * The cookie's name. With the prefix, no other host of the domain can set it, and no connection without TLS.
 *
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3.2
 */
function nameAt(baseUrl: string): string {
  return baseUrl.startsWith("https:") ? "__Host-onbehalf-connect" : "onbehalf-connect";
}

/** What a browser has sent as the cookie; undefined where it has sent none, or none that we have made. */
export function cookieOf({ headers }: Request, baseUrl: string): string | undefined {
  const name = nameAt(baseUrl);
  const values = (headers.get("cookie") ?? "")
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  // Some clients send the same cookie once for each time that it was set.
  const [value, ...others] = new Set(values);
  return others.length === 0 && value !== undefined && isRandomText(value) ? value : undefined;
}

/**
 * The cookie that a browser shall have. It is sent with the provider's redirect, which comes from another site (Lax), and to no
 * script.
 */
export function cookieFor(known: string | undefined, baseUrl: string): BrowserCookie {
  const value = known ?? randomText();
  const secure = baseUrl.startsWith("https:") ? "; Secure" : "";
  return {
    value,
    header: `${nameAt(baseUrl)}=${value}; Path=/; Max-Age=${lifeSeconds}; HttpOnly; SameSite=Lax${secure}`,
  };
}
