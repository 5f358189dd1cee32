import type { Wording } from "../state/wording.ts";
import type { ClientDocuments } from "./client-documents.ts";
import type { Clients } from "./clients.ts";
import { describeScope, isSignInScope } from "./scopes.ts";

/** What the pages of the kinds `oauth2` and `mcp` say. */
export function oauth2Wording(standIn: string, clients: Clients, documents: ClientDocuments): Wording {
  return {
    standIn,
    notice: "For tests and demos. It uses no real account.",
    isSignInScope,
    whatSignInShows: (scopes) => {
      const profile = scopes.includes("profile");
      if (scopes.includes("email")) return profile ? "your name and email address" : "your email address";
      return profile ? "your name" : "who you are";
    },
    describeScope,
    shortScope: (scope) => scope,
    appName: (project) => (clients.get(project) ?? documents.client(project))?.name ?? project,
  };
}
