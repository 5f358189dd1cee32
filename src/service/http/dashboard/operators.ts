/** Who is signed in to the dashboard, and links for others. */
import { OnbehalfError, invalidRequest } from "../../../core/errors.ts";
import type { Asked, DashboardRoute } from "./asked.ts";

export const operatorRoutes: readonly DashboardRoute[] = [
  { method: "GET", path: "/operators", needs: "reader", answer: list },
  { method: "DELETE", path: "/operators/{session_id}", needs: "operator", answer: end },
  { method: "POST", path: "/operators/links", needs: "operator", answer: createLink },
];

async function list({ vault, operator }: Asked): Promise<object> {
  const operators = await vault.operators.list();
  return {
    operators: operators.map(({ sessionId, role, signedInAt, lastUsedAt, endsAt }) => ({
      session_id: sessionId,
      role,
      signed_in_at: signedInAt,
      last_used_at: lastUsedAt,
      ends_at: endsAt,
      is_you: sessionId === operator.sessionId,
    })),
  };
}

async function end({ vault, named }: Asked): Promise<object> {
  if (!(await vault.operators.signOut(named))) {
    throw new OnbehalfError("not_found", "there is no such sign-in", {
      hint: "look at the list: one that has ended is not there any more",
      details: {},
    });
  }
  return { session_id: named, ended: true };
}

/** The page knows by which address it was reached, so that it makes the whole link of this. */
async function createLink({ vault, body, note }: Asked): Promise<object> {
  const word = (await body()).get("role");
  if (word !== "operator" && word !== "reader") {
    throw invalidRequest("role must be operator or reader", "say what whoever opens the link may do", "role");
  }
  // Before it is there: a link that nobody recorded would be one that nobody made.
  await note({ action: "operator.link_created", grantId: null, outcome: "done", detail: word });
  const { secret, role, expiresAt } = await vault.operators.createLink(word);
  return { link: `link/${secret.expose()}`, role, expires_at: expiresAt };
}
