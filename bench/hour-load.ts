/** What callers do in the hour: so many requests of each kind a second, whether or not the ones before were answered. */
import { Agent, request } from "node:http";
import { grantIdOf } from "../tools/key-rotation/fill.ts";
import { referenceOf } from "./filled-store.ts";

/** A request that a caller may send, and which errors it may be answered with. */
export interface Kind {
  readonly name: string;
  readonly perSecond: number;
  readonly send: () => Sent;
  /** Codes of docs/errors.md that are no fault here. */
  readonly mayBe: readonly string[];
  /** Is told of each answer. */
  readonly onAnswer?: (status: number, body: string) => void;
}

export interface Sent {
  readonly method?: string;
  readonly path: string;
  readonly body?: object;
  /** Another key than the caller's. */
  readonly key?: string;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

export function ask(
  port: number,
  callerKey: string,
  { method = "GET", path, body, key = callerKey }: Sent,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? "" : JSON.stringify(body);
    const headers = {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
    };
    const sent = request({ port, host: "127.0.0.1", method, path, agent, headers }, (answer) => {
      let received = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => (received += chunk));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: received }));
      answer.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(text);
  });
}

/** While the provider is away, who needs a new token is told so. */
const away = ["provider_unavailable"];

/**
 * @param grants how many grants the service has when the load begins
 * @param times how many times more of everything
 */
export function mixedLoad(grants: number, times: number): Kind[] {
  let person = 0;
  let read = 0;
  /** Grants that codes made, to be ended later. */
  const made: string[] = [];
  const any = (): number => Math.floor(Math.random() * grants);
  const readToken = (): Sent => {
    read += 1;
    const kind = read % 10 < 6 ? "id" : read % 10 < 8 ? "ext:" : "sub:";
    const query = read % 7 === 0 ? "?min_ttl_seconds=20" : "";
    return { path: `/v1/grants/${referenceOf[kind](any())}/token${query}` };
  };
  return [
    { name: "token", perSecond: 250 * times, send: readToken, mayBe: away },
    { name: "grant", perSecond: 10 * times, send: () => ({ path: `/v1/grants/${grantIdOf(any())}` }), mayBe: [] },
    { name: "list", perSecond: 1 * times, send: () => ({ path: "/v1/grants?limit=20&state=active" }), mayBe: [] },
    {
      name: "proxy",
      perSecond: 10 * times,
      send: () => ({ path: `/v1/grants/${grantIdOf(any())}/proxy/www.googleapis.com/drive/v3/files/1AbC` }),
      // The API is away with the provider: its 503 is passed on as it is.
      mayBe: [...away, "passed on, temporarily_unavailable"],
    },
    {
      name: "code",
      perSecond: 2 * times,
      send() {
        person += 1;
        const code = `4/hour${person}/${"c".repeat(60)}`;
        return { method: "POST", path: "/v1/grants", body: { code, source: "android", external_id: `hour-${person}` } };
      },
      mayBe: [...away, "code_rejected"],
      onAnswer(status, body) {
        if (status === 200 || status === 201) made.push((JSON.parse(body) as { grant_id: string }).grant_id);
      },
    },
    {
      name: "revoke",
      perSecond: 2 * times,
      send() {
        const grantId = made.length > 20 ? made.shift() : undefined;
        return grantId === undefined
          ? { path: `/v1/grants/${grantIdOf(any())}` }
          : { method: "DELETE", path: `/v1/grants/${grantId}` };
      },
      mayBe: away,
    },
    {
      name: "unknown grant",
      perSecond: 1 * times,
      send: () => ({ path: `/v1/grants/ext:nobody-${any()}/token` }),
      mayBe: ["grant_not_found"],
    },
    {
      name: "wrong key",
      perSecond: 1 * times,
      send: () => ({ path: `/v1/grants/${grantIdOf(any())}/token`, key: `obk_wrong_${any()}` }),
      mayBe: ["unauthorized"],
    },
  ];
}
