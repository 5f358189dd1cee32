import { isRegisteredOrigin, isRegisteredRedirect } from "../state/clients.ts";
import type { Client } from "../state/clients.ts";
import type { Code } from "../state/codes.ts";

/**
 * Whether this is the `redirect_uri` that belongs to a code: for a phone's the empty string, sent explicitly, or a URI of
 * the web client; for a popup's `postmessage` or the page's origin; for a redirect's the very URI it was sent to.
 * Google compares it and so do we: a flow that sends the wrong one must fail here, not in production.
 */
export function belongs(code: Code, client: Client, redirectUri: string | undefined): boolean {
  if (redirectUri === undefined) return false;
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
