import { createHash } from "node:crypto";

/** A file of the page. Its name changes with its text, so that browsers may keep it for ever. */
interface Asset {
  readonly name: string;
  readonly text: string;
  readonly type: string;
}

const types: Readonly<Record<string, string>> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
};

/** What the page itself names. All else is named by these, with the hash that the build has given it. */
const entries: ReadonlySet<string> = new Set(["app.js", "app.css"]);

let loading: Promise<ReadonlyMap<string, Asset>> | undefined;

/** What they are made of is a file of its own, which a service that nobody looks at never loads. */
async function filesOfPage(): Promise<ReadonlyMap<string, string>> {
  const { pageFiles } = await import("./page-files.ts");
  return pageFiles();
}

/** By their plain names. A loading that failed is tried again. */
async function assets(): Promise<ReadonlyMap<string, Asset>> {
  loading ??= filesOfPage().then((files) => {
    const named = [...files].map(([plain, text]): [string, Asset] => {
      const hash = createHash("sha256").update(text).digest("hex").slice(0, 12);
      const name = entries.has(plain) ? plain.replace(".", `-${hash}.`) : plain;
      return [plain, { name, text, type: types[plain.split(".").at(-1) ?? ""] ?? "text/plain" }];
    });
    return new Map(named);
  });
  try {
    return await loading;
  } catch (error) {
    loading = undefined;
    throw error;
  }
}

/** Its own script and style, and its own address: nothing else is loaded, run, asked or framed. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

/** The headers of all that the dashboard answers. */
export const dashboardHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": policy,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "x-robots-tag": "noindex, nofollow",
};

/** A file of the page; undefined where there is none of this name, or none any more. */
export async function assetNamed(name: string): Promise<Response | undefined> {
  const asset = [...(await assets()).values()].find((each) => each.name === name);
  if (asset === undefined) return undefined;
  return new Response(asset.text, {
    headers: {
      ...dashboardHeaders,
      "content-type": asset.type,
      "cache-control": "public, max-age=31536000, immutable",
    },
  });
}

/** The page for whoever is signed in. What it shows, it asks for itself. */
export async function appPage(): Promise<Response> {
  const script = `<script type="module" src="assets/${await nameOf("app.js")}"></script>`;
  return page("", "Onbehalf", `<div id="app"></div>`, script, 200);
}

/** The page of a link that was not used yet. Only its button uses it: what opens links in mails to look at them does not. */
export async function linkPage(role: "operator" | "reader"): Promise<Response> {
  const may =
    role === "reader" ? "You will see everything, and change nothing." : "You will be able to change grants and keys.";
  return gate("../", 200, "Sign in to the dashboard", [
    `<p>This link lets one browser in, once. ${may}</p>`,
    `<form method="post"><button class="button primary" autofocus>Sign in with this browser</button></form>`,
    `<p class="soft">A sign-in ends after two hours without use, and after twelve at the latest.</p>`,
  ]);
}

/** The page of a link that lets nobody in any more. */
export async function spentPage(): Promise<Response> {
  return gate("../", 410, "This link lets nobody in any more", [
    `<p>It was used, or it is older than ten minutes.</p>`,
    another,
  ]);
}

/** The page for whoever is not signed in. */
export async function signedOutPage(): Promise<Response> {
  return gate("", 401, "Sign in to the dashboard", [
    `<p>There are no passwords here. A link lets you in, once; whoever runs the service can make one.</p>`,
    another,
  ]);
}

const another = `<p>Make a link where the service's settings are:</p>
<pre><code>onbehalf dashboard link</code></pre>
<p class="soft">With <code>--read-only</code>, whoever opens it can look at everything and change nothing.</p>`;

async function gate(base: string, status: number, title: string, lines: readonly string[]): Promise<Response> {
  const body = `<main class="gate"><p class="brand">Onbehalf</p><h1>${title}</h1>${lines.join("\n")}</main>`;
  return page(base, `${title} · Onbehalf`, body, "", status);
}

/** @param base the way to the dashboard's own address, with a slash at the end */
async function page(base: string, title: string, body: string, script: string, status: number): Promise<Response> {
  const text = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${base}assets/${await nameOf("app.css")}">
${script}
</head>
<body>
${body}
</body>
</html>
`;
  const headers = { ...dashboardHeaders, "content-type": "text/html; charset=utf-8", "cache-control": "no-store" };
  return new Response(text, { status, headers });
}

async function nameOf(plain: string): Promise<string> {
  return (await assets()).get(plain)?.name ?? plain;
}
