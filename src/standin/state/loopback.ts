const loopbackHosts = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** Whether a URL is plain http on this machine. */
export function isLoopback(uri: string): boolean {
  if (!URL.canParse(uri)) return false;
  const { protocol, hostname } = new URL(uri);
  return protocol === "http:" && loopbackHosts.has(hostname);
}
