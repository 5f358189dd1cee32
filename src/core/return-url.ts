/**
 * Where a person may be sent back to: the list that the app's operator keeps, and what is added to an address on it. An
 * address that somebody else chooses would make our server send people, and what the address then says, anywhere.
 */

/** An entry of the list: one address, or all beneath one. */
export interface AllowedReturn {
  /** As it is compared: of http and https in the standard's own spelling. */
  readonly text: string;
  /** Whether all addresses that begin so are allowed: the entry ended in `/*`. */
  readonly isPrefix: boolean;
}

/** The most characters of an address. Browsers and servers refuse longer ones. */
const longest = 2_048;
/** Schemes that make a browser run or show what stands in the address, or that no app has. */
const neverAnApps = /^(?:javascript|vbscript|data|blob|file|filesystem|about|view-source|ws|wss|ftp):$/;

/**
 * Reads an entry of the list.
 *
 * @returns the entry, or what must hold of it, as it follows its name: "must …"
 */
export function allowedReturn(text: string): AllowedReturn | { readonly must: string } {
  const isPrefix = text.endsWith("/*");
  const address = isPrefix ? text.slice(0, -1) : text;
  if (address.includes("*")) return { must: "must have a * at its end alone, after a slash" };
  const must = flawOf(address);
  if (must !== undefined) return { must };
  if (isPrefix && (!isWeb(address) || address.includes("?"))) {
    return { must: "must be one whole address: only http and https have paths that can be left open" };
  }
  return { text: spelled(address), isPrefix };
}

/**
 * Why a person may not be sent back to an address.
 *
 * @returns `malformed`: it is no address that could stand on a list, and `must` says why; `not-listed`: it does not stand
 *   there; undefined: it does
 * @see https://www.rfc-editor.org/rfc/rfc9700#section-4.1.3
 */
export function returnFlaw(
  address: string,
  allowed: readonly AllowedReturn[],
): { readonly kind: "malformed"; readonly must: string } | { readonly kind: "not-listed" } | undefined {
  const must = flawOf(address);
  if (must !== undefined) return { kind: "malformed", must };
  const text = spelled(address);
  const fits = allowed.some((each) => (each.isPrefix ? text.startsWith(each.text) : text === each.text));
  return fits ? undefined : { kind: "not-listed" };
}

/** The address that a person is sent back to: what its query says stays, but for what the result says itself. */
export function withResult(address: string, result: Readonly<Record<string, string>>): string {
  const [before = "", ...rest] = address.split("?");
  const query = rest.join("?");
  // A page that sends people to its own address may have got there by an earlier result.
  const kept = query
    .split("&")
    .filter((pair) => pair !== "" && !Object.hasOwn(result, nameOf(pair)) && !isResult(pair));
  return `${before}?${[...kept, new URLSearchParams(result).toString()].join("&")}`;
}

function isResult(pair: string): boolean {
  return ["connect_id", "status", "error", "return_code"].includes(nameOf(pair));
}

function nameOf(pair: string): string {
  return [...new URLSearchParams(pair).keys()].join();
}

function isWeb(address: string): boolean {
  return /^https?:/i.test(address);
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

/** Two spellings of one address are the same: case of the host, the scheme's own port. Paths are compared as they are. */
function spelled(address: string): string {
  return isWeb(address) ? new URL(address).href : address;
}

/** What must hold of an address; undefined where it does. What browsers and servers read differently is refused. */
function flawOf(address: string): string | undefined {
  if (address === "" || address.length > longest) return `must have 1 to ${longest} characters`;
  if (!/^[\x21-\x7e]+$/.test(address)) return "must be visible ASCII: encode other characters with percent signs";
  if (/[\\"<>^`{|}]/.test(address)) return "must have no character that stands in no URL, such as a backslash";
  if (address.includes("#")) return "must have no fragment";
  const [, scheme = ""] = /^([a-z][a-z0-9+.-]*:)/i.exec(address) ?? [];
  if (scheme === "" || !URL.canParse(address)) return "must be an absolute URL";
  if (!isWeb(address)) {
    return neverAnApps.test(scheme.toLowerCase()) ? "must have the scheme https, or one of an app's own" : undefined;
  }
  const [, authority, rest = ""] = /^https?:\/\/([^/?]+)(.*)$/i.exec(address) ?? [];
  if (authority === undefined) return "must name a host after two slashes";
  if (authority.includes("@")) return "must have no user and no password";
  // Others would read it as a host of their own: `%2f` and the like are decoded by some.
  if (authority.includes("%")) return "must have a host without percent signs";
  const { protocol, hostname } = new URL(address);
  if (protocol === "http:" && !isLoopback(hostname))
    return "must have the scheme https; http is for this machine alone";
  return pathFlaw(rest.split("?")[0] ?? "");
}

/** A path that some server could read as another: then it would not lie beneath the one that is allowed. */
function pathFlaw(path: string): string | undefined {
  // %25 is a percent sign: whoever decodes twice makes another escape of what follows it.
  if (/%(?:2f|5c|25|[01][0-9a-f]|7f)/i.test(path)) return "must have a path without encoded slashes or percent signs";
  if (/%(?![0-9a-f]{2})/i.test(path)) return "must be validly percent-encoded";
  const isDots = (segment: string): boolean => /^\.{1,2}(?:;.*)?$/.test(segment.replaceAll(/%2e/gi, "."));
  return path.split("/").some(isDots) ? "must have a path without . and .. segments" : undefined;
}
