/** Sound HTTP/1.1 to every route of the table, with bent paths, queries, headers and bodies. */
import { routes } from "../service/http/route-table.ts";
import { chance, inTarget, marker, oddText, onOneLine, pick } from "./odd-text.ts";
import type { OddTargets } from "./odd-text.ts";

function oddRef(random: () => number, { refs, doomed }: OddTargets, method: string): string {
  const ref = pick(random, ...(method === "DELETE" ? doomed : refs));
  switch (Math.floor(random() * 8)) {
    case 0:
    case 1:
      return ref;
    case 2:
      return `${ref}${inTarget(oddText(random))}`;
    case 3:
      return encodeURIComponent(`${pick(random, "ext:", "sub:", "g_", "")}${oddText(random)}`);
    case 4:
      return ref.toUpperCase();
    case 5:
      return Buffer.from(ref).toString("hex").replaceAll(/../g, "%$&");
    case 6:
      return `${ref};${marker}`;
    default:
      return inTarget(oddText(random));
  }
}

function oddQuery(random: () => number): string {
  if (chance(random, 0.4)) return "";
  const names = ["provider", "refused", "min_ttl_seconds", "limit", "cursor", "state", "external_id", "subject", "x"];
  const values = ["", "0", "1", "-1", "1e3", "active", "google", "0".repeat(64), "g_", "%", "%ff", "+", "a&a=b"];
  const count = 1 + Math.floor(random() * (chance(random, 0.02) ? 300 : 4));
  return `?${Array.from({ length: count }, () => {
    const name = chance(random, 0.8) ? pick(random, ...names) : inTarget(oddText(random));
    return `${name}=${chance(random, 0.5) ? pick(random, ...values) : inTarget(oddText(random))}`;
  }).join("&")}`;
}

const proxiedHosts = "www.googleapis.com drive.googleapis.com accounts.google.com oauth2.googleapis.com evil.example";

function oddTarget(random: () => number, targets: OddTargets, method: string, path: string): string {
  const host = chance(random, 0.7) ? pick(random, ...proxiedHosts.split(" ")) : inTarget(oddText(random));
  const place = chance(random, 0.5) ? "drive/v3/files/appfolder" : inTarget(oddText(random));
  const filled = path.replace("{ref}", oddRef(random, targets, method)).replace("{target}", `${host}/${place}`);
  if (chance(random, 0.85)) return `${filled}${oddQuery(random)}`;
  const at = Math.floor(random() * filled.length);
  return `/${`${filled.slice(0, at)}${inTarget(oddText(random))}${filled.slice(at)}`.replace(/^\/+/, "")}`;
}

const contentTypes = [
  "application/x-www-form-urlencoded",
  "application/json",
  "application/json; charset=utf-7",
  "application/x-www-form-urlencoded; charset=ISO-8859-1",
  "multipart/form-data; boundary=x",
  "text/plain",
  "application/json, text/plain",
  "",
];

/** Names and values that mean something to somebody on the way. */
function oddHeaders(random: () => number, { keys }: OddTargets): [string, string][] {
  const headers: [string, string][] = [];
  const key = pick(random, "", "", ...keys);
  if (key !== "") headers.push(["Authorization", `Bearer ${key}`]);
  else if (chance(random, 0.3)) {
    const scheme = pick(random, "Bearer ", "bearer", "Basic ", "", "DPoP ");
    headers.push(["Authorization", `${scheme}obk_${"0".repeat(16)}_${oddText(random)}`]);
  }
  const candidates: readonly (readonly [string, readonly string[]])[] = [
    ["Content-Type", contentTypes],
    ["X-Requested-With", ["XMLHttpRequest", ""]],
    ["Origin", ["null", "https://evil.example", "http://localhost"]],
    ["Sec-Fetch-Site", ["cross-site", "same-origin", "none", "SAME-ORIGIN", "same-origin, none"]],
    ["Content-Encoding", ["gzip", "identity", "br, gzip", "x"]],
    ["Accept-Encoding", ["gzip", "*;q=0", "x"]],
    ["Accept", ["application/json", "*/*;q=2"]],
    ["Range", ["bytes=0-1", "bytes=-1", "bytes=9-0,0-9,,"]],
    ["If-None-Match", ["*", '"x"']],
    ["Expect", ["100-continue", "200-ok"]],
    ["X-Forwarded-For", ["127.0.0.1"]],
    ["X-Forwarded-Host", ["evil.example"]],
    ["X-Forwarded-Proto", ["https", "javascript"]],
    ["Forwarded", ["for=127.0.0.1;host=evil.example;proto=http"]],
    ["X-Original-URL", ["/metrics"]],
    ["X-HTTP-Method-Override", ["DELETE"]],
    ["Cookie", ["a=b", "=", ";;;"]],
    ["Upgrade", ["h2c", "foo/1"]],
    ["TE", ["trailers"]],
    ["Trailer", ["Authorization"]],
    ["Via", ["1.1 evil"]],
    ["Prefer", ["respond-async"]],
    ["X-Goog-User-Project", ["p"]],
    ["Access-Control-Request-Method", ["POST"]],
    ["Sec-WebSocket-Key", ["dGhlIHNhbXBsZSBub25jZQ=="]],
  ];
  // Otherwise few requests would get past the first look at them.
  if (chance(random, 0.3)) {
    headers.push(["Content-Type", chance(random, 0.5) ? "application/json" : "application/x-www-form-urlencoded"]);
    headers.push(["X-Requested-With", "XMLHttpRequest"]);
  }
  const count = Math.floor(random() * 6);
  for (let at = 0; at < count; at += 1) {
    const [name, values] = pick(random, ...candidates);
    // Only some headers may come twice; what comes twice elsewhere is a matter of `oddBytes`.
    if (headers.some(([known]) => known === name)) continue;
    headers.push([name, chance(random, 0.8) ? pick(random, ...values) : onOneLine(oddText(random))]);
  }
  if (chance(random, 0.05)) headers.push([`X-${marker}`, onOneLine(oddText(random))]);
  return headers;
}

function oddBody(random: () => number): Buffer {
  const name = (): string =>
    pick(random, "authCode", "code", "source", "nonce", "redirect_uri", "scope", "scopes", "external_id", "__proto__");
  // Never a code beside nothing wrong: it has a line break, which no code has.
  const wrongCode = `4/0A${marker}\n`;
  switch (Math.floor(random() * 9)) {
    case 0:
      return Buffer.alloc(0);
    case 1:
      return Buffer.from(`authCode=${encodeURIComponent(wrongCode)}&${name()}=${encodeURIComponent(oddText(random))}`);
    case 2:
      return Buffer.from(JSON.stringify({ authCode: wrongCode, [name()]: oddText(random), a: [{ b: null }] }));
    case 3:
      return Buffer.from(`${'{"a":'.repeat(1 + Math.floor(random() * 2_000))}"${marker}`);
    case 4:
      return Buffer.from(`{"authCode":${pick(random, "1e999", "null", "[]", "{}", "true", `"\\ud800${marker}"`, "")}}`);
    case 5:
      return Buffer.concat([Buffer.from(marker), Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28]), Buffer.from(marker)]);
    case 6:
      return Buffer.from(`\ufeff{"__proto__":{"authCode":"${marker}"},"authCode":["${marker}"]}`);
    case 7:
      return Buffer.from(Array.from({ length: 1 + Math.floor(random() * 60) }, () => `${name()}=${marker}`).join("&"));
    default:
      return Buffer.from(`${marker}${"b".repeat(Math.floor(random() * (chance(random, 0.2) ? 140_000 : 200)))}`);
  }
}

/** One request of sound HTTP/1.1. Whatever is wrong with it is wrong above HTTP. */
export function soundRequest(random: () => number, targets: OddTargets, isLast: boolean): Buffer {
  const route = pick(random, ...routes);
  const method = chance(random, 0.75)
    ? route.method
    : pick(random, "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "QUERY");
  const target = oddTarget(random, targets, method, route.path);
  const headers = oddHeaders(random, targets).filter(([name]) => !["Upgrade", "Expect"].includes(name) || isLast);
  const body = method === "GET" || method === "HEAD" || method === "TRACE" ? Buffer.alloc(0) : oddBody(random);
  const isChunked = body.length > 0 && chance(random, 0.2);
  const framing = isChunked ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`;
  const head = [
    `${method} ${target} HTTP/1.1`,
    `Host: ${targets.host}`,
    ...headers.map(([name, value]) => `${name}: ${value.trim()}`),
    framing,
    ...(isLast ? ["Connection: close"] : []),
  ];
  const content = isChunked ? chunked(random, body) : body;
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), content]);
}

function chunked(random: () => number, body: Buffer): Buffer {
  const at = Math.floor(random() * body.length);
  const chunks = [body.subarray(0, at), body.subarray(at)].filter(({ length }) => length > 0);
  const trailer = chance(random, 0.3) ? `Authorization: Bearer ${marker}\r\n` : "";
  return Buffer.concat([
    ...chunks.flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n")]),
    Buffer.from(`0\r\n${trailer}\r\n`),
  ]);
}

/** A code that nobody issued, in a request with nothing wrong: it goes through the gate to the provider. */
export function soundCode(random: () => number, { host }: OddTargets): Buffer {
  const body = `authCode=${encodeURIComponent(`4/0A${marker}-${Math.floor(random() * 2 ** 31)}`)}`;
  return Buffer.from(
    `POST /authcode HTTP/1.1\r\nHost: ${host}\r\nX-Requested-With: x\r\nConnection: close\r\n` +
      `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}
