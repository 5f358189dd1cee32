/** How secrets of some kinds begin, those of this program's among them. */
const known = /^(?:GOCSPX-|ya29\.|eyJ|ob[hklmost]_|gh[oprsu]_|xox[a-z]-)/;
/** The form of directory ids, such as Entra's tenants: no secret, and needed to set things right. */
const guids = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi;

/**
 * Whether a text looks like a secret: it begins as one, or a part of it looks drawn at random, because letters, capitals
 * and digits take turns often. What a provider says is shown to people and logged only where it does not: it may repeat
 * what we sent. A part of fewer than twelve characters, such as `AADSTS50173`, would be no secret.
 */
export function looksLikeSecret(text: string): boolean {
  if (known.test(text)) return true;
  const parts = text.replaceAll(guids, "").split(/[^A-Za-z0-9]+/);
  return parts.some((part) => {
    const turns = part.match(/(?<=[a-z])[A-Z0-9]|(?<=[A-Z])[0-9]|(?<=[0-9])[A-Za-z]/g)?.length ?? 0;
    return part.length >= 12 && turns * 6 > part.length;
  });
}

/** A path as it may be shown: what of it looks like a secret, somebody has put there in place of the path. */
export function shownPath(path: string): string {
  return path
    .split("/")
    .map((part) => (looksLikeSecret(part) ? "…" : part))
    .join("/");
}

/** What somebody typed, as it may be repeated to them: not where it looks like a secret that was typed in a wrong place. */
export function shownText(text: string): string {
  return looksLikeSecret(text) ? "…" : text;
}

/** An address as it may be shown: without user, password and query, and without what looks like a secret in its path. */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return shownText(url);
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${shownText(host)}${shownPath(pathname)}`;
}
