import { readFileSync, readdirSync } from "node:fs";

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml; charset=utf-8",
};

/** The files of the page, read once. The function returns undefined for a name that is not one of them. */
export function pageFiles(standinUrl: string): (name: string) => Response | undefined {
  const folder = new URL("./page/", import.meta.url);
  const files = new Map(readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder))]));
  const headers = {
    "content-security-policy": policy(standinUrl),
    // The sign-in window must be able to hand the code to the page that opened it. No other page may reach this one.
    "cross-origin-opener-policy": "same-origin-allow-popups",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
  };
  return (name) => {
    const body = files.get(name);
    const type = types[name.slice(name.lastIndexOf(".") + 1)];
    if (body === undefined || type === undefined) return undefined;
    return new Response(body, { headers: { ...headers, "content-type": type } });
  };
}

/** The Content-Security-Policy: our own files, and from the stand-in its sign-in script and people's pictures. */
function policy(standinUrl: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' ${standinUrl}`,
    "style-src 'self'",
    `img-src 'self' ${standinUrl}`,
    "connect-src 'self'",
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}
