import { createHash } from "node:crypto";
import type { Language } from "./languages/language.ts";
import { style } from "./style.ts";

export interface PageHeaderOptions {
  readonly language?: Language;
  /**
   * URLs to whose origins the answer to the page's form may redirect. Needed only where that answer is a redirect to
   * another origin; `continuePage` needs none.
   */
  readonly formTargets?: readonly string[];
}

const styleHash = createHash("sha256").update(style).digest("base64");

/**
 * The headers of each page: it runs no script, loads nothing, sends its form nowhere but here, stands in no frame, is
 * kept by no cache, and tells nobody its address, which is a secret until it was used.
 *
 * With this referrer policy a browser sends `Origin: null` with the page's form; `Sec-Fetch-Site` says where it came from.
 *
 * @see https://www.w3.org/TR/CSP3/; RFC 9700 section 4.2.4 (referrers), 4.16 (clickjacking)
 */
export function pageHeaders({ language, formTargets = [] }: PageHeaderOptions = {}): Record<string, string> {
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    ["form-action 'self'", ...new Set(formTargets.flatMap(sourceOf))].join(" "),
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ];
  return {
    "content-type": "text/html; charset=utf-8",
    ...(language === undefined ? {} : { "content-language": language }),
    vary: "Accept-Language",
    "content-security-policy": policy.join("; "),
    "x-frame-options": "DENY",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "x-robots-tag": "noindex, nofollow",
  };
}

/** An origin as a policy can name it. A host may hold a semicolon, which would begin a directive of its own. */
function sourceOf(url: string): readonly string[] {
  if (!URL.canParse(url)) return [];
  const { origin, protocol } = new URL(url);
  if (/^https?:\/\/[a-z0-9.-]+(?::\d+)?$/.test(origin)) return [origin];
  // A policy cannot name an IPv6 address, and of an app's own scheme nothing else.
  const isNamedByScheme =
    /^https?:\/\/\[[0-9a-f:.]+\](?::\d+)?$/.test(origin) ||
    !/^(?:https?|javascript|data|blob|file|about):$/.test(protocol);
  return isNamedByScheme ? [protocol] : [];
}
