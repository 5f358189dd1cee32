import { isOnbehalfError, parseClientSecretJson } from "../../index.ts";
import { ok, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";

/**
 * What kind of client a file describes. One that cannot work at all is a problem of the settings, and named there.
 *
 * @param text the file's content, undefined where it cannot be read
 */
export function checkClientFile(path: string, text: string | undefined): Finding[] {
  if (text === undefined) return [];
  try {
    const { clientId } = parseClientSecretJson(text, path);
    return "installed" in (JSON.parse(text) as object)
      ? [
          warn(
            "client",
            `${path} is a desktop client (${clientId})`,
            "codes from phones and popups are for a web client: create one of type web application, and download that one",
          ),
        ]
      : [ok("client", `${path}: web client ${clientId}`)];
  } catch (error) {
    if (!isOnbehalfError(error)) throw error;
    return [];
  }
}

export function checkClientId(clientId: string): Finding {
  return clientId.endsWith(".apps.googleusercontent.com")
    ? ok("client", `client ${clientId}`)
    : warn(
        "client",
        `client ${clientId} does not look like Google's`,
        "they end in .apps.googleusercontent.com; copy it whole",
      );
}
