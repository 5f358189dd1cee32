/** The process in which a run's provider runs: a stand-in that waits before it acts on a request, or before it answers. */
import { startStandin } from "../../src/standin/index.ts";
import type { OAuth2StandinOptions, StandinOptions } from "../../src/standin/index.ts";
import { between, seeded } from "../random.ts";

export type ProviderSettings = (StandinOptions | OAuth2StandinOptions) & {
  readonly seed: number;
  /** The longest time it takes to answer, milliseconds. */
  readonly latencyMs: number;
};

const { seed, latencyMs, ...options } = JSON.parse(process.argv[2] ?? "") as ProviderSettings;
const random = seeded(seed);
const standin = await (options.kind === "oauth2"
  ? startStandin({ ...options, refreshTokensPerUser: 1_000 })
  : startStandin({ ...options, refreshTokensPerUser: 1_000 }));

/** The stand-in always has this many delays in store, one for each of the next requests. */
const delaysAhead = 100;
let placed = 0;
let answered = 0;
let seen = 0;
function topUp(): void {
  const { entries } = standin.log(seen);
  seen = entries.at(-1)?.seq ?? seen;
  answered += entries.filter(({ path }) => path === "/token").length;
  for (; placed < answered + delaysAhead; placed++) {
    // One request in twenty may take the whole time, the others a quarter of it.
    const longest = random() < 0.05 ? latencyMs : latencyMs / 4;
    standin.fault("POST", "/token", {
      times: 1,
      delayMs: Math.round(between(random, 0, longest)),
      after: random() < 0.5 ? "request" : "answer",
    });
  }
}
if (latencyMs > 0) {
  topUp();
  setInterval(topUp, 100);
}

process.once("disconnect", () => process.exit(0));
process.send?.({ url: standin.url, clientId: standin.clientId, clientSecret: standin.clientSecret });
