/** The provider of a run, in a process of its own: answers come late, some before it has acted and some after. */
import { startStandin } from "../../src/standin/index.ts";
import type { StandinOptions } from "../../src/standin/index.ts";
import { between, seeded } from "../random.ts";

export interface ProviderSettings extends StandinOptions {
  readonly seed: number;
  /** The longest answer, milliseconds. */
  readonly latencyMs: number;
}

const { seed, latencyMs, ...options } = JSON.parse(process.argv[2] ?? "") as ProviderSettings;
const random = seeded(seed);
const standin = await startStandin({ ...options, refreshTokensPerUser: 1_000 });

/** So many delays lie ready for the requests to come. */
const ahead = 100;
let placed = 0;
let answered = 0;
let seen = 0;
function topUp(): void {
  const { entries } = standin.log(seen);
  seen = entries.at(-1)?.seq ?? seen;
  answered += entries.filter(({ path }) => path === "/token").length;
  for (; placed < answered + ahead; placed++) {
    // Most are quick; one in twenty takes its time.
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
