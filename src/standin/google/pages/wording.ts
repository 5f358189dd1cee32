import type { Clients } from "../state/clients.ts";
import { describeScope, emailScope, isSignInScope, profileScope } from "../state/scopes.ts";
import type { Wording } from "../../state/wording.ts";

/** What the pages of the stand-in for Google say. */
export function googleWording(clients: Clients): Wording {
  return {
    standIn: "Stand-in for Google",
    notice: "For tests and demos. It uses no real account, and sends nothing to the internet.",
    isSignInScope,
    whatSignInShows: (scopes) => {
      const profile = scopes.includes(profileScope);
      const email = scopes.includes(emailScope);
      if (email) return profile ? "your name, picture and email address" : "your email address";
      return profile ? "your name and picture" : "who you are";
    },
    describeScope,
    shortScope: (scope) => scope.replace("https://www.googleapis.com/auth/", ""),
    appName: (project) => clients.all().find((client) => client.project === project)?.name ?? project,
  };
}
