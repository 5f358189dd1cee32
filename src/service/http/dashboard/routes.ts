import { firstDoerWords, reasons } from "../../../core/diagnosis/reasons.ts";
import type { Reason } from "../../../core/diagnosis/reasons.ts";
import type { Asked, DashboardRoute } from "./asked.ts";
import { callerRoutes } from "./callers.ts";
import { grantRoutes } from "./grants.ts";
import { operatorRoutes } from "./operators.ts";
import { overviewRoutes } from "./overview.ts";
import { setUpRoutes } from "./set-up.ts";

/** Every verb at every address of the dashboard's JSON, beneath `/dashboard/api`. */
export const dashboardRoutes: readonly DashboardRoute[] = [
  { method: "GET", path: "/me", needs: "reader", answer: me },
  { method: "DELETE", path: "/me", needs: "reader", answer: signOut },
  ...overviewRoutes,
  ...grantRoutes,
  ...callerRoutes,
  ...operatorRoutes,
  ...setUpRoutes,
];

/** What each reason is called, and who has to act first. */
const reasonTitles = Object.fromEntries(
  Object.entries(reasons).map(([code, { title }]) => [code, { title, who: firstDoerWords(code as Reason) }]),
);

async function me({ vault, operator }: Asked): Promise<object> {
  return {
    session_id: operator.sessionId,
    role: operator.role,
    signed_in_at: operator.signedInAt,
    ends_at: operator.endsAt,
    now: new Date(vault.clock.now()),
    providers: vault.providers.map(({ provider: { name, displayName }, clientId }) => {
      return { name, title: displayName ?? name, client_id: clientId };
    }),
    reasons: reasonTitles,
  };
}

async function signOut({ vault, operator }: Asked): Promise<object> {
  await vault.operators.signOut(operator.sessionId);
  return { ended: true };
}
