/** How the service is set up: what it was told, what its store says, and what the checks of `onbehalf doctor` find. */
import type { Vault } from "../../../index.ts";
import { shownUrl } from "../../../core/secret-likeness.ts";
import { userAgent } from "../../../outbound/user-agent.ts";
import { examineRunning } from "../../doctor/examine-running.ts";
import type { Finding } from "../../doctor/finding.ts";
import { keyStatusBody } from "../json-bodies.ts";
import type { Asked, DashboardRoute } from "./asked.ts";

/** For how long the checks' findings are given to whoever asks again, milliseconds: some of them ask the providers. */
const checkedForMs = 10_000;

export const setUpRoutes: readonly DashboardRoute[] = [
  { method: "GET", path: "/setup", needs: "reader", answer: setUp },
  { method: "GET", path: "/setup/checks", needs: "reader", answer: checks },
];

async function setUp({ vault, site, told }: Asked): Promise<object> {
  const { kind, location, schema, keys, deliveries } = await vault.storeStatus();
  return {
    version: userAgent.slice(userAgent.indexOf("/") + 1),
    node: process.versions.node,
    store: { kind, location, schema },
    public_url: told.publicUrl,
    return_urls: site?.returnUrls.map(({ text, isPrefix }) => `${text}${isPrefix ? "*" : ""}`) ?? [],
    providers: vault.providers.map(({ provider, clientId }) => ({
      name: provider.name,
      issuer: provider.issuer,
      client_id: clientId,
      client_authentication: provider.clientAuthentication ?? "client_secret_post",
      scopes: provider.scopes,
      redirect_uri: site === undefined ? undefined : `${site.baseUrl}/callback`,
    })),
    keys: keyStatusBody(keys),
    webhooks: {
      // Receivers put keys of theirs into it.
      url: told.webhookUrl === undefined ? undefined : shownUrl(told.webhookUrl),
      waiting: deliveries.waiting,
      waiting_since: deliveries.waitingSince === null ? undefined : new Date(deliveries.waitingSince),
      dead: deliveries.dead,
    },
  };
}

interface Checked {
  readonly at: Date;
  readonly checks: readonly Finding[];
}

const checked = new WeakMap<Vault, { readonly untilMs: number; readonly found: Promise<Checked> }>();

/** Runs the checks, unless somebody did a moment ago. */
async function checks({ vault, told }: Asked): Promise<object> {
  const known = checked.get(vault);
  if (known !== undefined && known.untilMs > performance.now()) return known.found;
  const found = examineRunning(vault, told).then((all) => ({ at: new Date(vault.clock.now()), checks: all }));
  checked.set(vault, { untilMs: performance.now() + checkedForMs, found });
  found.catch(() => checked.delete(vault));
  return found;
}
