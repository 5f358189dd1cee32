import { configurationInvalid } from "../../core/errors.ts";
import { looksLikeSecret } from "../../core/secret-likeness.ts";

/**
 * An origin as browsers send it in `Origin`. People write it as they see it in an address bar: with a slash at the end,
 * capitals in the host, or the port that its scheme has anyway. All of these name the same origin. Pages inside an app
 * have schemes of their own, such as `capacitor://localhost`.
 *
 * @param text from a setting or an option
 * @throws {OnbehalfError} `configuration_invalid`: it has a path, a pattern or credentials, or names no host
 * @see https://www.rfc-editor.org/rfc/rfc6454#section-6.2
 */
export function allowedOrigin(text: string): string {
  if (text === "null") {
    throw configurationInvalid(
      "null is the origin of every sandboxed frame, so any site could post codes",
      "serve the page from an origin of its own, and name that one",
    );
  }
  const [, scheme = "", host = ""] = /^([a-z][a-z0-9+.-]*):\/\/([^\s/?#@\\*,;"'<>]*)\/?$/i.exec(text) ?? [];
  const origin = originOf(scheme.toLowerCase(), host);
  if (origin !== undefined) return origin;
  throw configurationInvalid(
    `${shownOrigin(text)} must be an origin, such as https://app.example.com, without a path`,
    text.includes("*")
      ? "name each origin in full: a pattern could also fit a page that you do not know"
      : "name scheme and host, and the port where it is not the usual one",
  );
}

/** What was given in place of an origin, unless it may be a secret. */
function shownOrigin(text: string): string {
  if (text.includes("@")) return "a URL with credentials";
  return looksLikeSecret(text) ? "something that looks like a secret" : text;
}

function originOf(scheme: string, host: string): string | undefined {
  if (scheme === "") return undefined;
  if (/^https?$/.test(scheme))
    return URL.canParse(`${scheme}://${host}`) ? new URL(`${scheme}://${host}`).origin : undefined;
  // The standard has no origin for such a scheme. Browsers send what the app gave it: scheme and host, in lower case.
  return scheme === "file" || host !== "" ? `${scheme}://${host.toLowerCase()}` : undefined;
}
