import type { Incoming } from "../http/messages.ts";
import { clientIdOf } from "./client-assertion.ts";
import type { OAuth2State } from "./oauth2-state.ts";

/**
 * Fetches the metadata document of the client that a request names, where its id is a URL and settings say so. At the
 * authorization endpoint that is done anew each time: an app that changed its redirect URIs is known by the new ones.
 */
export async function fetchClient({ settings, documents, clients }: OAuth2State, incoming: Incoming): Promise<void> {
  if (!settings.metadataDocuments) return;
  const given = new URLSearchParams([...incoming.query, ...new URLSearchParams(incoming.body.toString())]);
  // The forms of the pages carry the authorization request along.
  const carried = new URLSearchParams(given.get("request") ?? "");
  const id = given.get("client_id") ?? carried.get("client_id") ?? clientIdOf(given.get("client_assertion") ?? "");
  if (id === undefined || clients.get(id) !== undefined) return;
  await documents.fetch(id, incoming.path === "/authorize");
}
