/**
 * Whether events may be delivered there: by TLS, so that nobody on the way reads or changes them, or on this machine. Without a
 * password, which logs would show.
 */
export function isWebhookUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== "" || password !== "") return false;
  const isHere = hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
  return protocol === "https:" || (protocol === "http:" && isHere);
}

/** Whether a text is a secret of Standard Webhooks: `whsec_` and base64 of 24 to 64 bytes. */
export function isWebhookSecret(text: string): boolean {
  const [, encoded = ""] = /^whsec_([A-Za-z0-9+/]+)={0,2}$/.exec(text) ?? [];
  const bytes = Math.floor((encoded.length * 6) / 8);
  return encoded.length % 4 !== 1 && bytes >= 24 && bytes <= 64;
}
