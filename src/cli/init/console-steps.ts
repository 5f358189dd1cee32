/** What is known of a client file besides id and secret. Google writes these members; files made by hand may lack them. */
export interface ClientFacts {
  readonly clientId: string;
  /** A desktop client, which cannot exchange the codes of phones and pages. */
  readonly isDesktop: boolean;
  readonly origins: readonly string[];
}

/** What a JSON text says of a client, whose form has been checked. */
export function clientFacts(text: string): ClientFacts {
  const file = JSON.parse(text.replace(/^\uFEFF/, "")) as Record<string, Record<string, unknown>>;
  const isDesktop = "installed" in file;
  const { client_id, javascript_origins } = file[isDesktop ? "installed" : "web"] ?? {};
  return {
    clientId: String(client_id),
    isDesktop,
    origins: Array.isArray(javascript_origins) ? javascript_origins.map(String) : [],
  };
}

/** Something to enter in Google's console. */
export interface ConsoleStep {
  /** Where: the console's own words. */
  readonly where: string;
  readonly enter: readonly string[];
  readonly why: string;
}

const googleScope = "https://www.googleapis.com/auth/";

/**
 * What must be entered in Google's console, so that sign-ins work.
 *
 * @param publicUrl by which people reach the service
 * @param origin of the app's page that signs people in
 */
export function consoleSteps(
  { isDesktop, origins }: Pick<ClientFacts, "isDesktop" | "origins">,
  { publicUrl, origin }: { readonly publicUrl?: string; readonly origin?: string },
): ConsoleStep[] {
  const domains = [publicUrl, origin].flatMap((url) => (url === undefined ? [] : domainOf(url)));
  return [
    ...(isDesktop
      ? [
          {
            where: "Clients, Create client, Web application",
            enter: [],
            why: "this file is a desktop client's: codes of phones and pages need a web client's; download its JSON and run init with it",
          },
        ]
      : []),
    {
      where: "Branding, Authorized domains",
      enter: [...new Set(domains)],
      why: "the domain that your pages and policies are on; none is needed while you work on localhost",
    },
    {
      where: "Data Access, Add or remove scopes",
      enter: ["openid", `${googleScope}userinfo.email`, `${googleScope}userinfo.profile`],
      why: `and what your app calls, such as ${googleScope}drive.appdata`,
    },
    {
      where: "Clients, your web client, Authorized JavaScript origins",
      enter: origin === undefined || origins.includes(origin) ? [] : [origin],
      why: "the origin of each page that opens Google's popup; none for phones",
    },
    {
      where: "Clients, your web client, Authorized redirect URIs",
      enter: [],
      why: "none for phones and popups; for a redirect, the address of your own page that gets the code, character by character",
    },
    {
      where: "Audience, Publish app",
      enter: [],
      why: "while the app is in testing, refresh tokens end after seven days",
    },
  ];
}

/** The domain as the console wants it: what was registered, without names beneath it where they can be told. */
function domainOf(url: string): string[] {
  const { hostname } = new URL(url);
  if (/^[\d.]+$|:|^localhost$/.test(hostname)) return [];
  // Without a list of public suffixes nobody can tell co.uk from example.uk: then the whole name is right, too.
  const labels = hostname.split(".");
  return [labels.length === 3 && (labels[1] ?? "").length > 3 ? labels.slice(1).join(".") : hostname];
}
