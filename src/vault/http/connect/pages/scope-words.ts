import type { Texts } from "./languages/texts.ts";

const google = "https://www.googleapis.com/auth/";

const keys: ReadonlyMap<string, keyof Texts> = new Map([
  ["openid", "scopeSubject"],
  ["email", "scopeEmail"],
  [`${google}userinfo.email`, "scopeEmail"],
  ["profile", "scopeProfile"],
  [`${google}userinfo.profile`, "scopeProfile"],
  ["offline_access", "scopeOffline"],
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
    if (key === undefined) said.set(scope, { scope });
    else said.set(texts[key], { words: texts[key] });
  }
  return [...said.values()];
}
