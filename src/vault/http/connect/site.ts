import { assertFits, filledText, required, texts } from "../../../core/argument-checks.ts";
import { configurationProblems, configurationInvalid, isOnbehalfError } from "../../../core/errors.ts";
import { allowedReturn } from "../../../core/return-url.ts";
import type { AllowedReturn } from "../../../core/return-url.ts";

/** Where connect links lead, and where they may send people back to. */
export interface ConnectOptions {
  /**
   * The URL beneath which the links are, such as `https://app.example/connect`: where the handler is mounted. To be
   * registered at each provider is `{baseUrl}/callback`.
   */
  readonly baseUrl: string;
  /**
   * Where people may be sent back to: addresses that are compared exactly, or prefixes that end in `/*`. Default: all of the
   * origin of {@link baseUrl}.
   */
  readonly returnUrls?: readonly string[];
  /** The app's name, which people read before they connect an account. Default: the host of the return URL. */
  readonly appName?: string;
}

/** The same, as it is used. */
export interface ConnectSite {
  readonly baseUrl: string;
  readonly returnUrls: readonly AllowedReturn[];
  readonly appName: string | undefined;
}

/** The page of our own at which people end who come from no app: it says how their link ended. */
export function donePage({ baseUrl }: ConnectSite): string {
  return `${baseUrl}/done`;
}

/** Where links lead, by the request; undefined: nowhere. */
export type SiteFor = (request: Request) => ConnectSite | undefined;

/**
 * Reads the options.
 *
 * @throws {OnbehalfError} `configuration_invalid`: one is not what it must be; `details.problems` lists every problem
 */
export function siteOf({ baseUrl, returnUrls, appName, ...rest }: ConnectOptions): ConnectSite {
  try {
    assertFits("baseUrl", baseUrl, required(filledText));
    assertFits("returnUrls", returnUrls, texts);
    assertFits("appName", appName, filledText);
    const [unknown] = Object.keys(rest);
    if (unknown !== undefined)
      throw configurationInvalid(`${unknown} is no option of connectHandler`, "use baseUrl, returnUrls and appName");
  } catch (error) {
    throw isOnbehalfError(error, "invalid_request") ? configurationInvalid(error.message, error.hint) : error;
  }
  const base = baseUrl.replace(/\/+$/, "");
  const entry = allowedReturn(base);
  if ("must" in entry || !/^https?:/i.test(base) || base.includes("?")) {
    throw configurationInvalid(
      `baseUrl ${"must" in entry ? entry.must : "must be an http or https URL without a query"}`,
      "give the URL where the handler is mounted, such as https://app.example/connect",
    );
  }
  return {
    baseUrl: base,
    returnUrls: returnUrls === undefined ? [{ text: `${new URL(base).origin}/`, isPrefix: true }] : listOf(returnUrls),
    appName,
  };
}

function listOf(given: readonly string[]): AllowedReturn[] {
  const read = given.map((text) => ({ text, entry: allowedReturn(text) }));
  const problems = read.flatMap(({ text, entry }) =>
    "must" in entry ? [`the return URL ${JSON.stringify(text.slice(0, 200))} ${entry.must}`] : [],
  );
  if (problems.length > 0) {
    throw configurationProblems(
      problems,
      "name each address in full, such as https://app.example/settings, or all beneath one, such as https://app.example/*",
    );
  }
  return read.flatMap(({ entry }) => ("must" in entry ? [] : [entry]));
}
