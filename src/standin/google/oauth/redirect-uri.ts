import { isRegisteredOrigin, isRegisteredRedirect } from "../state/clients.ts";
import type { Client } from "../state/clients.ts";
import type { Code } from "../state/codes.ts";

/**
 * Whether this is the right `redirect_uri` for a code. For a phone's code: the empty string, none at all, or a URI of the
 * web client; Google's own pages name all three, and its Node library cannot send an empty one. For a popup's:
 * `postmessage`, or the page's origin. For a redirect's: the URI that it was sent to. Google compares it and so do we: a
 * sign-in that sends the wrong one must fail here, not in production.
 */
export function belongs(code: Code, client: Client, redirectUri: string | undefined): boolean {
  if (redirectUri === undefined) return code.kind === "native";
  switch (code.kind) {
    case "native":
      return redirectUri === "" || isRegisteredRedirect(client, redirectUri);
    case "popup":
      if (redirectUri === "postmessage") return true;
      return code.origin === undefined ? isRegisteredOrigin(client, redirectUri) : redirectUri === code.origin;
    case "redirect":
      return redirectUri === code.redirectUri;
  }
}
