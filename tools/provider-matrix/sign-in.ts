/** A person who signs in at a provider, as a browser without scripts would. */

const person = "ada@example.com";

/**
 * Goes from the authorization request to the redirect: follows redirects, chooses the person's account and agrees.
 *
 * @returns the parameters of the redirect to the app
 */
export async function signIn(request: URL, redirectUri: string): Promise<URLSearchParams> {
  const cookies = new Map<string, string>();
  let url = request;
  let form: URLSearchParams | undefined;
  for (let step = 0; step < 20; step++) {
    const response = await fetch(url, {
      redirect: "manual",
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
      ...(form === undefined ? {} : { method: "POST", body: form }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const page = await response.text();
    const location = response.headers.get("location");
    if (location?.startsWith(redirectUri) === true) return new URL(location).searchParams;
    const next = location === null ? formOf(page) : { action: location };
    if (next === undefined) throw new Error(`${url.pathname} answered ${response.status}: ${page.slice(0, 400)}`);
    url = new URL(next.action, url);
    form = next.fields;
  }
  throw new Error("the sign-in came to no end");
}

/** The stand-ins' pages: an account chooser, then a page of consent. */
function formOf(page: string): { readonly action: string; readonly fields?: URLSearchParams } | undefined {
  const [markup, action] = /<form\b[^>]*action="(\/signin\/(?:account|consent))"[^>]*>[^]*?<\/form>/.exec(page) ?? [];
  if (markup === undefined || action === undefined) return undefined;
  const fields = new URLSearchParams();
  for (const [tag] of markup.matchAll(/<input\b[^>]*>/g)) {
    const attribute = (name: string): string | undefined => new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1];
    const name = attribute("name");
    if (name !== undefined && name !== "email") fields.append(name, plain(attribute("value") ?? ""));
  }
  if (action === "/signin/account" || !fields.has("email")) fields.set("email", person);
  if (action === "/signin/consent") fields.set("decision", "allow");
  return { action, fields };
}

function plain(text: string): string {
  return text.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&");
}
