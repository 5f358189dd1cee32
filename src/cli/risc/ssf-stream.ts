import { configurationInvalid } from "../../core/errors.ts";
import { shownPath } from "../../core/secret-likeness.ts";
import { readSmallFile } from "../../local/small-file.ts";
import { isConfidential } from "../../core/confidential-url.ts";
import { configurationUrls } from "../../core/transmitter-configuration.ts";
import { askJson, membersOf } from "./json-calls.ts";
import type { Members } from "./json-calls.ts";
import { textsOf } from "./stream-api.ts";
import type { Registered, StreamApi } from "./stream-api.ts";

const push = "urn:ietf:rfc:8935";

/** The events that can change a grant. A verification comes whether or not it is asked for. */
const events = [
  ...[
    "session-revoked",
    "token-claims-change",
    "credential-change",
    "assurance-level-change",
    "device-compliance-change",
  ].map((name) => `https://schemas.openid.net/secevent/caep/event-type/${name}`),
  ...[
    "sessions-revoked",
    "account-credential-change-required",
    "account-purged",
    "account-disabled",
    "account-enabled",
    "credential-compromise",
  ].map((name) => `https://schemas.openid.net/secevent/risc/event-type/${name}`),
  ...["tokens-revoked", "token-revoked"].map((name) => `https://schemas.openid.net/secevent/oauth/event-type/${name}`),
];

/**
 * The API of a transmitter of the Shared Signals Framework, which its own configuration names.
 *
 * @param name of the provider about whose people it tells
 * @param issuer of the transmitter
 * @param tokenFile path of a file that holds the bearer token for its API alone
 * @throws {OnbehalfError} `configuration_invalid`: the file cannot be read, or the transmitter describes no such API
 * @see https://openid.net/specs/openid-sharedsignals-framework-1_0.html#section-8.1
 */
export async function ssfStream(name: string, issuer: string, tokenFile: string): Promise<StreamApi> {
  const bearer = tokenIn(tokenFile);
  const endpoint = endpointsOf(await configurationOf(issuer), issuer);
  const call = async (url: string, method: "GET" | "POST" | "PATCH", body?: object): Promise<unknown> => {
    const answer = await askJson(url, bearer, { method, ...(body === undefined ? {} : { body }) });
    if (answer.ok) return answer.body;
    const { description } = membersOf(answer.body);
    const said = typeof description === "string" ? `: ${description}` : "";
    throw configurationInvalid(
      `${name} refused ${new URL(url).pathname} (${answer.status})${said}`,
      hints[answer.status] ?? "look up what the transmitter's documentation says of streams",
    );
  };
  const streams = async (): Promise<readonly Members[]> => {
    const all = await call(endpoint("configuration_endpoint"), "GET");
    return (Array.isArray(all) ? all : [all]).map(membersOf).filter(({ stream_id: id }) => typeof id === "string");
  };
  const ours = async (): Promise<Members> => {
    const found = await streams();
    const stream = found.find(({ delivery }) => membersOf(delivery)["method"] === push) ?? found[0];
    if (stream !== undefined) return stream;
    throw configurationInvalid(`${name} has no stream for this token`, `run onbehalf risc register --provider ${name}`);
  };
  return {
    name,
    register: async (url) => {
      const delivery = { method: push, endpoint_url: url };
      // A receiver often may have one stream only, so what is there is changed and not added to.
      const [known] = await streams();
      const stream =
        known === undefined
          ? await call(endpoint("configuration_endpoint"), "POST", { delivery, events_requested: events })
          : await call(endpoint("configuration_endpoint"), "PATCH", {
              stream_id: known["stream_id"],
              delivery,
              events_requested: events,
            });
      return registeredIn(membersOf(stream));
    },
    status: async () => {
      const stream = await ours();
      const query = new URLSearchParams({ stream_id: String(stream["stream_id"]) });
      const { status } = membersOf(await call(`${endpoint("status_endpoint")}?${query.toString()}`, "GET"));
      const url = String(membersOf(stream["delivery"])["endpoint_url"]);
      return { url, status: String(status), ...registeredIn(stream) };
    },
    verify: async (state) => {
      const { stream_id: id } = await ours();
      await call(endpoint("verification_endpoint"), "POST", { stream_id: id, state });
    },
  };
}

function registeredIn({ aud, events_delivered: delivered, events_requested: requested }: Members): Registered {
  const audience = typeof aud === "string" ? [aud] : textsOf(aud);
  return { eventsRequested: textsOf(delivered ?? requested), audience };
}

function tokenIn(path: string): string {
  const read = readSmallFile(path);
  const token = "problem" in read ? undefined : read.text.trim();
  if (token !== undefined && /^[\x21-\x7e]+$/.test(token)) return token;
  throw configurationInvalid(
    `the file ${shownPath(path)} ${"problem" in read ? read.problem : "is not one bearer token"}`,
    "the transmitter's console gives a token for its API of streams: put it into a file of its own",
  );
}

async function configurationOf(issuer: string): Promise<Members> {
  const tried: string[] = [];
  for (const url of configurationUrls(issuer)) {
    const { ok, status, body } = await askJson(url, undefined);
    const members = membersOf(body);
    if (ok && members["issuer"] === issuer) return members;
    tried.push(`${url} (${ok ? "another's document" : status})`);
  }
  throw configurationInvalid(
    `the transmitter ${issuer} does not describe itself: ${tried.join(", ")}`,
    "see that signals.issuer of this provider is the transmitter's own issuer, character by character",
  );
}

/** Endpoints are told the token, so each must be one that nobody else can listen to. */
function endpointsOf(configuration: Members, issuer: string): (name: string) => string {
  return (name) => {
    const url = configuration[name];
    if (typeof url === "string" && isConfidential(url)) return url;
    throw configurationInvalid(
      `the configuration of ${issuer} has no ${name} that is an https URL`,
      "register in the transmitter's own console: push delivery to /risc under the public URL",
    );
  };
}

const hints: Readonly<Record<number, string>> = {
  400: "see that --public-url is an https URL that the transmitter reaches",
  401: "see that the token is good for the transmitter's API of streams, and has not ended",
  403: "see that the token may manage streams",
  404: "nothing is registered: run onbehalf risc register",
  409: "the transmitter has a stream for this token already, and does not list it: change it in its console",
};
