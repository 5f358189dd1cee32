import { shownText } from "../../core/secret-likeness.ts";
import { isOnbehalfError, parseClientSecretJson } from "../../index.ts";
import { ok, warn } from "../../service/doctor/finding.ts";
import type { Finding } from "../../service/doctor/finding.ts";

/**
 * Checks which kind of client a file describes. A client that cannot work at all is a problem of the settings, and named there.
 *
 * @param text the file's content, undefined where it cannot be read
 * @param baseUrl of the stand-in that is used in Google's place
 */
export function checkClientFile(path: string, text: string | undefined, baseUrl?: string): Finding[] {
  if (text === undefined) return [];
  try {
    const { clientId } = parseClientSecretJson(text, path, baseUrl);
    return "installed" in (JSON.parse(text.replace(/^\uFEFF/, "")) as object)
      ? [
          warn(
            "client",
            `${path} describes a desktop client (${clientId})`,
            "codes from phones and popups need a web client: create one of the type web application, and download its JSON",
          ),
        ]
      : [ok("client", `${path}: web client ${clientId}`)];
  } catch (error) {
    if (!isOnbehalfError(error)) throw error;
    return [];
  }
}

/** Checks that a client id has the form of Google's. */
export function checkClientId(clientId: string): Finding {
  return clientId.endsWith(".apps.googleusercontent.com")
    ? ok("client", `client ${clientId}`)
    : warn(
        "client",
        `client ${shownText(clientId)} does not look like a client id of Google`,
        "copy all of it: Google's client ids end in .apps.googleusercontent.com",
      );
}
