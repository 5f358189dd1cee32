/** Addresses and headers by which somebody might have a token sent to a host that is not the provider's, made of a seed. */
import { chance, pick } from "./odd-text.ts";

/** What one try sends: after `/proxy/`, and beside it. */
export interface OddAddress {
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The same as a URL, for the library. */
  readonly url: string;
}

const evil = [
  "evil.example",
  "127.0.0.1",
  "127.1",
  "0177.0.0.1",
  "0x7f.0.0.1",
  "0x7f000001",
  "2130706433",
  "017700000001",
  "0",
  "0.0.0.0",
  "[::1]",
  "[::]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "[0:0:0:0:0:ffff:169.254.169.254]",
  "[fe80::1%25eth0]",
  "[fd00:ec2::254]",
  "[64:ff9b::a9fe:a9fe]",
  "169.254.169.254",
  "2852039166",
  "0xa9.0xfe.0xa9.0xfe",
  "metadata.google.internal",
  "metadata",
  "100.100.100.200",
  "192.0.0.192",
  "localhost",
  "LOCALHOST",
  "localhost.",
  "localhost.localdomain",
  "localtest.me",
  "127.0.0.1.nip.io",
  "kubernetes.default.svc",
  "①②⑦.⓪.⓪.①",
  "ｌocalhost",
  "xn--gogleapis-n5a.com",
  "googleapis.com.evil.example",
  "wwwxgoogleapis.com",
  "evilgoogleapis.com",
  "www.googleapis.com.evil.example",
  "www-googleapis.com",
  "www.googleapis.co",
  "www.googleapis。com",
  "www.ɡoogleapis.com",
  "www.googIeapis.com",
  "accounts.google.com",
  "oauth2.googleapis.com",
  "sts.googleapis.com",
  "iamcredentials.googleapis.com",
  "a.b.oauth2.googleapis.com.",
] as const;

/** Ways to write an address so that one reader takes `good` for its host, and another one `bad`. */
const spellings: readonly ((good: string, bad: string) => string)[] = [
  (_, bad) => `${bad}/x`,
  (good, bad) => `${good}@${bad}/x`,
  (good, bad) => `${bad}@${good}/x`,
  (good, bad) => `${good}:x@${bad}/x`,
  (good, bad) => `${good}%40${bad}/x`,
  (good, bad) => `${good}%2f@${bad}/x`,
  (good, bad) => `${good}\\@${bad}/x`,
  (good, bad) => `${good}%5c@${bad}/x`,
  (good, bad) => `${good}#@${bad}/x`,
  (good, bad) => `${good}?@${bad}/x`,
  (good, bad) => `${bad}#${good}/x`,
  (good, bad) => `${bad}?${good}/x`,
  (good, bad) => `${bad}\\${good}/x`,
  (good, bad) => `${bad}%00.${good}/x`,
  (good, bad) => `${bad}%0d%0aHost:%20${good}/x`,
  (good, bad) => `${good}%0d%0aHost:%20${bad}/x`,
  (good) => `${good}:22/x`,
  (good) => `${good}:443/x`,
  (good) => `${good}:80/x`,
  (good) => `${good}:0/x`,
  (good) => `${good}:65536/x`,
  (good) => `${good}./x`,
  (good) => `${good}../x`,
  (good) => `.${good}/x`,
  (good) => `${good.toUpperCase()}/x`,
  (good) => `${good.replaceAll(".", "%2e")}/x`,
  (good) => `${good.replaceAll(".", "。")}/x`,
  (good) => ` ${good}/x`,
  (good) => `${good}\t/x`,
  (good, bad) => `//${bad}/x?${good}`,
  (good, bad) => `${good}//${bad}/x`,
  (good, bad) => `${good}/../../${bad}/x`,
  (good, bad) => `${good}/..;/..;/${bad}/x`,
  (good, bad) => `${good}/%2e%2e/%2e%2e/${bad}`,
  (good, bad) => `${good}/..%2f..%2f${bad}`,
  (good, bad) => `${good}/..%252f${bad}`,
  (good, bad) => `${good}/\\\\${bad}\\x`,
  (good, bad) => `${good}/https://${bad}/x`,
  (good, bad) => `https://${bad}/x?${good}`,
  (good, bad) => `https:/${bad}/x?${good}`,
  (good, bad) => `http://${good}/x?${bad}`,
  (_, bad) => `file://${bad}/etc/passwd`,
  (_, bad) => `gopher://${bad}/x`,
  (_, bad) => `javascript:fetch('//${bad}')`,
  (_, bad) => `data:,${bad}`,
  (good, bad) => `${good};${bad}/x`,
  (good, bad) => `${good},${bad}/x`,
  (good, bad) => `${good}|${bad}/x`,
  (good, bad) => `${good}${bad}/x`,
  (good, bad) => `${bad}.${good}/x`,
  (good) => `${good}/x`,
  (good) => `${good}/o/oauth2/token`,
  () => "",
  () => "/",
  () => "?",
];

/** Headers that could name another host to something on the way. */
const hostHeaders = [
  "host",
  "x-forwarded-host",
  "x-forwarded-server",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-forwarded-for",
  "x-host",
  "x-original-host",
  "x-original-url",
  "x-rewrite-url",
  "x-real-ip",
  "forwarded",
  "via",
  "origin",
  "referer",
  "proxy-authorization",
  "proxy-connection",
  "destination",
  "authorization",
  "cookie",
] as const;

/** @returns an address that a seed's next numbers make; `good`: a host where a token may go */
export function oddAddress(random: () => number, good: string): OddAddress {
  const bad = pick(random, ...evil);
  const target = pick(random, ...spellings)(good, bad);
  const headers: Record<string, string> = {};
  if (chance(random, 0.6)) {
    const value = chance(random, 0.2) ? `for=127.0.0.1;host=${bad};proto=http` : bad;
    // `host` and `authorization` of the request itself are the caller's way in; a second one is a matter of sockets.
    const name = pick(random, ...hostHeaders);
    if (name !== "host" && name !== "authorization") headers[name] = Buffer.from(value).toString("latin1");
  }
  return { target, headers, url: /^[a-z]+:/i.test(target) ? target : `https://${target}` };
}

/** Where an API might send somebody on to. */
export function oddLocation(random: () => number, good: string): string {
  const { target } = oddAddress(random, good);
  return pick(
    random,
    `https://${target}`,
    `http://${good}/x`,
    `//${target}`,
    `https://${good}:8443/`,
    target,
    `\\\\${target}`,
  );
}
