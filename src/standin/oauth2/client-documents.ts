import type { OwnClock } from "../clock.ts";
import { isLoopback } from "../state/loopback.ts";
import { readClientMetadata, readKeySet } from "./client-metadata.ts";
import { clientOf } from "./clients.ts";
import type { Client } from "./clients.ts";

type Kept = ({ readonly client: Client } | { readonly problem: string }) & { readonly until: number };

const longestMs = 5_000;
const mostBytes = 16_384;
/** How long a document that was fetched is used, by the stand-in's clock. */
const keptMs = 300_000;
const keptFailureMs = 1_000;

/**
 * Clients whose id is the URL of their metadata.
 *
 * @see draft-ietf-oauth-client-id-metadata-document
 */
export class ClientDocuments {
  readonly #clock: OwnClock;
  readonly #kept = new Map<string, Kept>();

  constructor(clock: OwnClock) {
    this.#clock = clock;
  }

  /** The client of a document that was fetched, or what is wrong with it; undefined where the id is no such URL. */
  get(id: string): Kept | undefined {
    return this.#kept.get(id);
  }

  /** The client of a document that was fetched and is right. */
  client(id: string): Client | undefined {
    const kept = this.#kept.get(id);
    return kept !== undefined && "client" in kept ? kept.client : undefined;
  }

  /**
   * Fetches the document of a client id that is a URL, unless it was fetched a short while ago.
   *
   * @param isNew whether an authorization begins: then the document is fetched in any case
   */
  async fetch(id: string, isNew: boolean): Promise<void> {
    if (!/^https?:\/\//i.test(id)) return;
    const known = this.#kept.get(id);
    if (!isNew && known !== undefined && known.until > this.#clock.now()) return;
    const flaw = urlFlaw(id);
    const found = flaw === undefined ? await fetched(id) : { problem: flaw };
    const life = "client" in found ? keptMs : keptFailureMs;
    this.#kept.set(id, { ...found, until: this.#clock.now() + life });
  }
}

function urlFlaw(id: string): string | undefined {
  if (!URL.canParse(id)) return "The client_id is not a URL.";
  const { protocol, pathname, href, username, password, hash } = new URL(id);
  if (protocol !== "https:" && !isLoopback(id)) return "A client_id that is a URL must be https, or http on loopback.";
  if (pathname === "/" || hash !== "" || id.includes("#") || username !== "" || password !== "") {
    return "A client_id that is a URL must have a path, and no fragment, user or password.";
  }
  // Dot segments and the like: two spellings of one address would be two clients.
  return href === id ? undefined : "A client_id that is a URL must be written in its normal form.";
}

async function fetched(id: string): Promise<{ readonly client: Client } | { readonly problem: string }> {
  try {
    const document = await jsonAt(id);
    if (typeof document !== "object" || document === null || !("client_id" in document)) {
      return { problem: "The metadata document of the client has no client_id." };
    }
    if (document.client_id !== id) return { problem: "client_id of the metadata document is not its own URL." };
    const read = readClientMetadata(document, "none");
    if ("error" in read) return { problem: `The metadata document of the client is wrong. ${read.description}` };
    const { changes, jwksUri } = read;
    if (changes.tokenEndpointAuthMethod?.startsWith("client_secret") === true) {
      return { problem: "A client with a metadata document cannot have a secret." };
    }
    const jwks = jwksUri === undefined ? (changes.jwks ?? { keys: [] }) : readKeySet(await jsonAt(jwksUri));
    if ("problem" in jwks) return jwks;
    // A page that shows the name alone would let anybody call themselves what they like.
    const clientName = `${changes.clientName ?? "An app"} (${new URL(id).host})`;
    return { client: clientOf({ ...changes, clientId: id, clientName, jwks }) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { problem: `The metadata document of the client cannot be fetched: ${why}` };
  }
}

/** Fetches JSON, with a limit on its size and on the time. A redirect is an error: it could lead to somebody else's document. */
async function jsonAt(url: string): Promise<unknown> {
  const response = await fetch(url, {
    headers: { accept: "application/json" },
    redirect: "error",
    signal: AbortSignal.timeout(longestMs),
  });
  if (response.status !== 200) throw new Error(`it is answered with ${String(response.status)}`);
  if (!/\bjson\b/i.test(response.headers.get("content-type") ?? "")) throw new Error("it is not JSON");
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > mostBytes) throw new Error(`it has more than ${String(mostBytes)} bytes`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString());
}
