import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { configurationInvalid } from "../../core/errors.ts";
import { settingsFrom } from "../../service/settings/config.ts";
import { settingsAmong } from "../flags.ts";
import { openWithoutClient } from "../open-vault.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { facts, printJson, printLines, say } from "../terminal/print.ts";
import type { RiscFlags } from "./risc-flags.ts";
import { transmitterOf } from "./transmitter.ts";
import type { ChosenTransmitter } from "./transmitter.ts";

/** How long a test event may take to come, milliseconds, and how often it is looked for. */
const patienceMs = 60_000;
const lookEveryMs = 500;

/** Tells the transmitter where events go, and which. The same again changes nothing. */
export async function registerStream(flags: RiscFlags): Promise<void> {
  const { publicUrl } = settingsFrom(settingsAmong(flags));
  const { api, expected } = await transmitterOf(flags);
  if (publicUrl === undefined || publicUrl === "") {
    throw configurationInvalid(
      `nobody has said by which URL ${api.name} reaches this service`,
      "give --public-url or ONBEHALF_PUBLIC_URL: events go to /risc beneath it",
    );
  }
  const url = `${publicUrl.replace(/\/+$/, "")}/risc`;
  const { eventsRequested, audience } = await api.register(url);
  if (flags.json === true) {
    printJson({ url, events_requested: eventsRequested, ...(audience === undefined ? {} : { audience }) });
  }
  say(`${api.name} delivers security events to ${url} from now on`);
  tellOfAudience({ api, ...(expected === undefined ? {} : { expected }) }, audience);
  say("hint: onbehalf risc test waits for one");
}

/** Shows where events go, and whether they are sent. */
export async function showStream(flags: RiscFlags): Promise<void> {
  const chosen = await transmitterOf(flags);
  const { url, status, eventsRequested, audience } = await chosen.api.status();
  if (flags.json === true) {
    printJson({ url, status, events_requested: eventsRequested, ...(audience === undefined ? {} : { audience }) });
  } else {
    const short = eventsRequested.map((uri) => uri.replace(/^.*\//, ""));
    printLines(
      facts([
        ["delivered to", url],
        ["status", status],
        ...(audience === undefined ? [] : [["audience", audience.join(", ")] as const]),
        ...short.map((name, n) => [n === 0 ? "events" : "", name] as const),
      ]),
    );
  }
  tellOfAudience(chosen, audience);
}

/** Asks for a verification, and waits until the service has taken it. */
export async function testStream(flags: RiscFlags): Promise<void> {
  const state = randomUUID();
  const { api } = await transmitterOf(flags);
  await using vault = await openWithoutClient(flags);
  await api.verify(state);
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += lookEveryMs) {
    if ((await vault.signals.verifiedAt(state)) !== undefined) {
      if (flags.json === true) printJson({ state, verified: true });
      say("the test event has come, was verified, and is stored");
      return;
    }
    await sleep(lookEveryMs);
  }
  if (flags.json === true) printJson({ state, verified: false });
  say("the test event has not come within a minute");
  say(
    `hint: see that onbehalf risc status names this service, that ${api.name} reaches it, and signal_refused in its log`,
  );
  process.exitCode = exitCodes.failed;
}

/** A transmitter whose events are for an audience that we do not know would have every one of them refused. */
function tellOfAudience({ api, expected }: ChosenTransmitter, audience: readonly string[] | undefined): void {
  if (audience === undefined || expected === undefined || audience.some((each) => expected.includes(each))) return;
  say(`warning: ${api.name} sends events for ${audience.join(", ")}, and the service takes none for that audience`);
  say(`hint: set "audience": ${JSON.stringify(audience)} in the signals of this provider, and start the service again`);
}
