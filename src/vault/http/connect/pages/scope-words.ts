import type { Texts } from "./languages/texts.ts";

const google = "https://www.googleapis.com/auth/";

/** In words. One that the page says of every link has none of its own. */
const keys: ReadonlyMap<string, keyof Texts | undefined> = new Map<string, keyof Texts | undefined>([
  ["openid", "scopeSubject"],
  ["email", "scopeEmail"],
  [`${google}userinfo.email`, "scopeEmail"],
  ["profile", "scopeProfile"],
  [`${google}userinfo.profile`, "scopeProfile"],
  ["offline_access", undefined],
  [`${google}drive.appdata`, "scopeDriveAppFolder"],
  [`${google}drive.appfolder`, "scopeDriveAppFolder"],
  [`${google}drive.file`, "scopeDriveFile"],
  [`${google}drive.readonly`, "scopeDriveReadonly"],
  [`${google}drive`, "scopeDrive"],
]);

/** What a scope allows: in words where we have them, or the scope itself. */
export type ScopeWords = { readonly words: string } | { readonly scope: string };

/** What these scopes allow, each thing once, in the order in which they were asked for. */
export function scopeWords(scopes: readonly string[], texts: Texts): readonly ScopeWords[] {
  const said = new Map<string, ScopeWords>();
  for (const scope of scopes) {
    const key = keys.get(scope);
    if (key !== undefined) said.set(texts[key], { words: texts[key] });
    else if (!keys.has(scope)) said.set(scope, { scope });
  }
  return [...said.values()];
}
