import type { Client } from "./clients.ts";
import type { OAuth2State } from "./oauth2-state.ts";

/** A client, or why there is none. */
export type FoundClient = { readonly client: Client } | { readonly problem: string };

/** The client with this id: a registered one, or one whose metadata document was fetched. */
export function findClient({ clients, documents, settings }: OAuth2State, id: string): FoundClient {
  const client = clients.get(id);
  if (client !== undefined) return { client };
  return (settings.metadataDocuments ? documents.get(id) : undefined) ?? { problem: "No client has this client_id." };
}
