import { configurationInvalid } from "../../core/errors.ts";
import { askJson, membersOf } from "./json-calls.ts";
import type { Members } from "./json-calls.ts";
import { bearerOf } from "./service-account.ts";
import { textsOf } from "./stream-api.ts";
import type { StreamApi } from "./stream-api.ts";

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

/**
 * Google's API, for the project of a service account.
 *
 * @param serviceAccountFile path of the account's key file
 * @param base where every endpoint of Google is, for a stand-in
 * @throws {OnbehalfError} `configuration_invalid`: the key file cannot be used
 * @see https://developers.google.com/identity/protocols/risc
 */
export async function googleStream(
  serviceAccountFile: string,
  base = "https://risc.googleapis.com",
): Promise<StreamApi> {
  const bearer = await bearerOf(serviceAccountFile, Date.now());
  const call = async (method: "GET" | "POST", path: string, body?: object): Promise<Members> => {
    const url = `${base.replace(/\/+$/, "")}/v1beta/${path}`;
    const {
      ok,
      status,
      body: answer,
    } = await askJson(url, bearer, { method, ...(body === undefined ? {} : { body }) });
    if (ok) return membersOf(answer);
    const { message, status: word } = membersOf(membersOf(answer)["error"]);
    const said = typeof message === "string" ? `: ${message}` : "";
    throw configurationInvalid(
      `Google refused ${path} (${typeof word === "string" ? word : status})${said}`,
      hints[status] ?? "look up what Google says in its guide to Cross-Account Protection",
    );
  };
  return {
    name: "Google",
    register: async (url) => {
      await call("POST", "stream:update", { delivery: { delivery_method: push, url }, events_requested: events });
      return { eventsRequested: events };
    },
    status: async () => {
      const { delivery, events_requested: wanted } = await call("GET", "stream");
      const { status } = await call("GET", "stream/status");
      return { url: String(membersOf(delivery)["url"]), status: String(status), eventsRequested: textsOf(wanted) };
    },
    verify: async (state) => {
      await call("POST", "stream:verify", { state });
    },
  };
}

const hints: Readonly<Record<number, string>> = {
  400: "see that --public-url is an https URL that Google reaches",
  401: "see that the key file is of a service account that is there, and that this machine's clock is right",
  403: "enable the RISC API in the client's own Cloud project, and give the service account the role RISC Configuration Admin",
  404: "nothing is registered: run onbehalf risc register",
};
