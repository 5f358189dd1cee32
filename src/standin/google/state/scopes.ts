/** The scope names that Google answers with; requests may use the short ones. */
const canonical: Readonly<Record<string, string>> = {
  email: "https://www.googleapis.com/auth/userinfo.email",
  profile: "https://www.googleapis.com/auth/userinfo.profile",
  "https://www.googleapis.com/auth/plus.me": "https://www.googleapis.com/auth/userinfo.profile",
};

export const emailScope = "https://www.googleapis.com/auth/userinfo.email";
export const profileScope = "https://www.googleapis.com/auth/userinfo.profile";

const auth = "https://www.googleapis.com/auth/";

/** What the consent page says about a scope. Scopes that are not listed are shown by their name. */
const descriptions: Readonly<Record<string, string>> = {
  [`${auth}drive.appdata`]: "See, create and delete its own configuration data in your Drive",
  [`${auth}drive.appfolder`]: "See, create and delete its own configuration data in your Drive",
  [`${auth}drive.file`]: "See, edit, create and delete only the Drive files you use with this app",
  [`${auth}drive.readonly`]: "See and download all your Drive files",
  [`${auth}drive.metadata.readonly`]: "See information about your Drive files",
  [`${auth}drive`]: "See, edit, create and delete all of your Drive files",
  [`${auth}calendar`]: "See, edit, share and permanently delete all the calendars you can access",
  [`${auth}calendar.readonly`]: "See and download any calendar you can access",
  [`${auth}calendar.events`]: "View and edit events on all your calendars",
  [`${auth}contacts.readonly`]: "See and download your contacts",
  [`${auth}gmail.readonly`]: "View your email messages and settings",
  [`${auth}gmail.send`]: "Send email on your behalf",
  [`${auth}gmail.modify`]: "Read, compose and send emails",
  [`${auth}spreadsheets`]: "See, edit, create and delete all your spreadsheets",
  [`${auth}tasks`]: "Create, edit, organise and delete all your tasks",
  "https://mail.google.com/": "Read, compose, send and permanently delete all your email",
};

export function describeScope(scope: string): string {
  return descriptions[scope] ?? scope;
}

const signIn: ReadonlySet<string> = new Set(["openid", emailScope, profileScope]);

/** Scopes that say who the person is: they have no tick box. */
export function isSignInScope(scope: string): boolean {
  return signIn.has(scope);
}

/** Tokens with these die when the person changes the password. */
export function isGmailScope(scope: string): boolean {
  return scope === "https://mail.google.com/" || scope.startsWith(`${auth}gmail.`);
}

/** Google refuses names it does not know. Any name under its own prefix will do here, so that no list has to be kept. */
function isKnown(scope: string): boolean {
  return (
    signIn.has(scope) ||
    scope === "https://mail.google.com/" ||
    /^https:\/\/www\.googleapis\.com\/auth\/[\w.]+$/.test(scope)
  );
}

/** Canonical names without repetition, in the order asked for; `unknown` lists what no API has. */
export function parseScope(scope: string | readonly string[]): { scopes: string[]; unknown: string[] } {
  const asked = typeof scope === "string" ? scope.split(/\s+/).filter((word) => word !== "") : scope;
  const scopes = [...new Set(asked.map((name) => canonical[name] ?? name))];
  return { scopes, unknown: scopes.filter((name) => !isKnown(name)) };
}
