/**
 * Whether a URL is that of a server, or beneath it: the same origin, and the server's path first. A slash at the end counts for
 * nothing.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8707
 */
export function isOfServer(url: string | URL, server: string): boolean {
  if (!URL.canParse(String(url)) || !URL.canParse(server)) return false;
  const [one, other] = [new URL(url), new URL(server)];
  return one.origin === other.origin && pathOf(one).startsWith(pathOf(other));
}

function pathOf({ pathname }: URL): string {
  return pathname.endsWith("/") ? pathname : `${pathname}/`;
}
