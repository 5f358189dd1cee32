import { configurationInvalid } from "../../core/errors.ts";
import { settingsFrom } from "../../service/settings/given-settings.ts";
import { dashboardLink } from "../../service/http/dashboard/link.ts";
import { settingsAmong } from "../flags.ts";
import { openWithoutClient } from "../open-vault.ts";
import { printJson, printLines, say } from "../terminal/print.ts";

export interface LinkFlags {
  readonly readOnly?: boolean;
  readonly json?: boolean;
}

/** Prints a link to the dashboard. It leads where the settings say that the service is reached. */
export async function link(flags: LinkFlags): Promise<void> {
  const role = flags.readOnly === true ? "reader" : "operator";
  await using vault = await openWithoutClient(flags);
  const url = await dashboardLink(vault, addressOf(flags), role);
  if (flags.json === true) printJson({ dashboard: url, role });
  else printLines([url]);
  say(
    `it lets one browser in within ten minutes${role === "reader" ? ", to look at everything and change nothing" : ""}: open it and press the button`,
  );
}

/** By which URL the service is reached: the public one; or where it listens, from this machine. */
function addressOf(flags: LinkFlags): string {
  const { publicUrl, host = "127.0.0.1", port = "8787" } = settingsFrom(settingsAmong(flags));
  if (publicUrl !== undefined) return publicUrl;
  if (Number(port) === 0) {
    throw configurationInvalid(
      "PORT is 0, so that nobody can tell where the service listens",
      "give the port that it has printed with --port, or the URL with --public-url",
    );
  }
  const everywhere = /^(?:0\.0\.0\.0|\[?::\]?)$/.test(host);
  return `http://${everywhere ? "127.0.0.1" : host.includes(":") ? `[${host.replace(/[[\]]/g, "")}]` : host}:${port}`;
}
