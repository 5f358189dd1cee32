import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { configurationInvalid } from "../../core/errors.ts";
import { settingsFrom } from "../../service/settings/config.ts";
import { settingsAmong } from "../flags.ts";
import { openWithoutClient } from "../open-vault.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { facts, printJson, printLines, say } from "../terminal/print.ts";
import type { RiscFlags } from "./risc-flags.ts";
import { bearerOf } from "./service-account.ts";

const push = "https://schemas.openid.net/secevent/risc/delivery-method/push";
const types = "https://schemas.openid.net/secevent";

/** What Google can tell of an account. A verification comes whether or not it is asked for. */
const events = [
  `${types}/risc/event-type/sessions-revoked`,
  `${types}/oauth/event-type/tokens-revoked`,
  `${types}/oauth/event-type/token-revoked`,
  `${types}/risc/event-type/account-disabled`,
  `${types}/risc/event-type/account-enabled`,
  `${types}/risc/event-type/account-purged`,
  `${types}/risc/event-type/account-credential-change-required`,
];

/** How long a test event may take to come, milliseconds, and how often it is looked for. */
const patienceMs = 60_000;
const lookEveryMs = 500;
const answerWithinMs = 30_000;

/** Tells Google where events go, and which. The same again changes nothing. */
export async function registerStream(flags: RiscFlags): Promise<void> {
  const { publicUrl } = settingsFrom(settingsAmong(flags));
  if (publicUrl === undefined || publicUrl === "") {
    throw configurationInvalid(
      "nobody has said by which URL Google reaches this service",
      "give --public-url or ONBEHALF_PUBLIC_URL: events go to /risc beneath it",
    );
  }
  const url = `${publicUrl.replace(/\/+$/, "")}/risc`;
  const call = await callsOf(flags);
  await call("POST", "stream:update", { delivery: { delivery_method: push, url }, events_requested: events });
  if (flags.json === true) printJson({ url, events_requested: events });
  say(`Google delivers security events to ${url} from now on`);
  say("hint: onbehalf risc test waits for one");
}

/** Shows where events go, and whether Google sends them. */
export async function showStream(flags: RiscFlags): Promise<void> {
  const call = await callsOf(flags);
  const { delivery, events_requested: wanted } = await call("GET", "stream");
  const { status } = await call("GET", "stream/status");
  const { url } = (delivery ?? {}) as Readonly<Record<string, unknown>>;
  const requested = Array.isArray(wanted) ? wanted.filter((each): each is string => typeof each === "string") : [];
  if (flags.json === true) printJson({ url, status, events_requested: requested });
  else {
    const short = requested.map((uri) => uri.replace(/^.*\//, ""));
    printLines(
      facts([
        ["delivered to", String(url)],
        ["status", String(status)],
        ...short.map((name, n) => [n === 0 ? "events" : "", name] as const),
      ]),
    );
  }
}

/** Asks for a verification, and waits until the service has taken it. */
export async function testStream(flags: RiscFlags): Promise<void> {
  const state = randomUUID();
  await using vault = await openWithoutClient(flags);
  const call = await callsOf(flags);
  await call("POST", "stream:verify", { state });
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
  say("hint: see that onbehalf risc status names this service, that Google reaches it, and signal_refused in its log");
  process.exitCode = exitCodes.failed;
}

type Call = (method: "GET" | "POST", path: string, body?: object) => Promise<Readonly<Record<string, unknown>>>;

async function callsOf(flags: RiscFlags): Promise<Call> {
  const { googleBaseUrl } = settingsFrom(settingsAmong(flags));
  const base = (googleBaseUrl ?? "https://risc.googleapis.com").replace(/\/+$/, "");
  const bearer = await bearerOf(flags.serviceAccountFile, Date.now());
  return async (method, path, body) => {
    const response = await fetch(`${base}/v1beta/${path}`, {
      method,
      headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
      redirect: "error",
      signal: AbortSignal.timeout(answerWithinMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      throw configurationInvalid(`${new URL(base).host} cannot be reached`, "see that this machine reaches it", error);
    });
    const answer = (await response.json().catch(() => ({}))) as Readonly<Record<string, unknown>>;
    if (response.ok) return answer;
    const { message, status } = (answer["error"] ?? {}) as Readonly<Record<string, unknown>>;
    const said = typeof message === "string" ? `: ${message}` : "";
    throw configurationInvalid(
      `Google refused ${path} (${typeof status === "string" ? status : response.status})${said}`,
      hints[response.status] ?? "look up what Google says in its guide to Cross-Account Protection",
    );
  };
}

const hints: Readonly<Record<number, string>> = {
  400: "see that --public-url is an https URL that Google reaches",
  401: "see that the key file is of a service account that is there, and that this machine's clock is right",
  403: "enable the RISC API in the client's own Cloud project, and give the service account the role RISC Configuration Admin",
  404: "nothing is registered: run onbehalf risc register",
};
