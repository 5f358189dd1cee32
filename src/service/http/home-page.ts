import { operations } from "../openapi/operations.ts";
import type { Operation } from "../openapi/operations/operation.ts";

const headings: Readonly<Record<Operation["tag"], string>> = {
  apps: "For apps",
  callers: "For programs with a caller key",
  operators: "For operators",
};

/**
 * What the service answers at its root: its addresses, as a page for browsers and as JSON for programs. It says no more
 * than the OpenAPI document, which anybody may read: no version, no store, no provider, nobody's name.
 *
 * @param accept the request's `Accept` header
 */
export function homePage(accept: string): Response {
  const headers = { vary: "Accept" };
  if (/\btext\/html\b/i.test(accept)) {
    return new Response(html(), { headers: { "content-type": "text/html; charset=utf-8", ...headers } });
  }
  const addresses = named.map(({ method, path, summary }) => ({ method: method.toUpperCase(), path, what: summary }));
  return Response.json({ service: "onbehalf", addresses }, { headers });
}

/** What needs a key and is for operators does not exist for anybody else, so it is not named. */
const named = operations.filter(
  ({ path, tag, needsKey }) => path !== "/" && !(tag === "operators" && needsKey === true),
);

/** A page without styles and scripts: the headers of every answer allow neither. */
function html(): string {
  const parts = Object.entries(headings).map(([tag, heading]) => {
    const rows = named
      .filter((each) => each.tag === tag)
      .map(
        (each) => `<dt><code>${each.method.toUpperCase()} ${linked(each)}</code></dt><dd>${escaped(each.summary)}</dd>`,
      );
    return `<h2>${heading}</h2>\n<dl>\n${rows.join("\n")}\n</dl>`;
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>Onbehalf</title>
</head>
<body>
<main>
<h1>Onbehalf</h1>
<p>This service takes one-time codes in, keeps the grants that people gave, and hands out valid access tokens for them.</p>
${parts.join("\n")}
</main>
</body>
</html>
`;
}

/** Of an address that anybody may read, a link to it. One of OAuth has no answer without parameters. */
function linked({ method, path, oauthErrors }: Operation): string {
  const shown = escaped(path);
  const isOpen = method === "get" && oauthErrors === undefined && !path.startsWith("/v1/") && !path.includes("{");
  return isOpen ? `<a href="${shown.slice(1)}">${shown}</a>` : shown;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
