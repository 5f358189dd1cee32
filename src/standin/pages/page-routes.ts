import { json } from "../http/messages.ts";
import type { Route } from "../http/router.ts";
import type { StandinState } from "../state/standin-state.ts";
import { accessPage, removeAccess } from "./access.ts";
import { homePage } from "./home.ts";
import type { Shown } from "./home.ts";
import { picture } from "./picture.ts";
import { staticFileRoutes } from "./static-files.ts";

/** The pages that every kind has, and what they load. */
export function pageRoutes(state: StandinState, shown: Shown): Route[] {
  return [
    {
      at: ["/picture/{name}"],
      GET: ({ params }) => {
        const person = state.people.find((params["name"] ?? "").replace(/\.svg$/, ""));
        return person === undefined ? json(404, { error: "not_found" }, { outcome: "not_found" }) : picture(person);
      },
    },
    { at: ["/"], GET: () => homePage(state, shown) },
    { at: ["/account/access"], GET: () => accessPage(state), POST: (request) => removeAccess(state, request) },
    ...staticFileRoutes(),
  ];
}
