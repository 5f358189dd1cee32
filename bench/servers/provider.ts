/**
 * A provider that costs little: a token endpoint that knows everybody, and keys. Refresh tokens are `1/PERSON/GENERATION/…`. Where
 * tokens rotate, each is good once, and who sends one twice ends the person's family. ID tokens are signed before they are
 * needed, so that signing costs nothing while others are measured.
 */
import { generateKeyPairSync, sign } from "node:crypto";
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { accessTokenOf } from "../../tools/key-rotation/fill.ts";

/** What the provider is told. Each message is answered with {@link Told}. */
export interface Tell {
  /** How long it takes to answer from now on, milliseconds. */
  readonly latencyMs?: number;
  readonly isRotating?: boolean;
  /** How long its access tokens live, seconds. */
  readonly expiresIn?: number;
  /** Whether it answers everything with 503. */
  readonly isAway?: boolean;
  /** For so many people ID tokens are signed now. */
  readonly people?: number;
  readonly clientId?: string;
  /** Every refresh token is somebody's first again: another store has the same. */
  readonly forgets?: boolean;
}

export interface Told {
  /** How many exchanges it was asked for since the last message, and how many of them it refused. */
  readonly exchanges: number;
  readonly refused: number;
}

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const jwk = { ...publicKey.export({ format: "jwk" }), kid: "k", alg: "RS256", use: "sig" };
const pem = publicKey.export({ format: "pem", type: "spki" });
const scope = "openid https://www.googleapis.com/auth/userinfo.email";
const settings = { latencyMs: 0, isRotating: false, expiresIn: 3_599, isAway: false, clientId: "" };
const generations = new Map<string, number>();
const idTokens = new Map<string, string>();
let exchanges = 0;
let refused = 0;

function idTokenOf(person: string): string {
  const known = idTokens.get(person);
  if (known !== undefined) return known;
  const now = Math.floor(Date.now() / 1_000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = {
    iss: "https://accounts.google.com",
    aud: settings.clientId,
    sub: person,
    iat: now,
    exp: now + 3_600,
    email: `${person}@example.com`,
    email_verified: true,
  };
  const signed = `${part({ alg: "RS256", kid: "k", typ: "JWT" })}.${part(claims)}`;
  const token = `${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`;
  idTokens.set(person, token);
  return token;
}

function answer(response: ServerResponse, status: number, value: object): void {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "cache-control": "no-store",
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
}

/** Whose refresh token it is, and which of theirs. One that was made elsewhere is somebody's first. */
function read(token: string): readonly [person: string, generation: string] {
  const [, person = token.replaceAll("/", ""), generation = "0"] = /^1\/([^/]+)\/(\d+)\//.exec(token) ?? [];
  return [person, generation];
}

/** The refresh token that follows, or undefined where this one is not good any more. */
function nextToken(token: string): string | undefined {
  const [person, sent] = read(token);
  const generation = generations.get(person) ?? 0;
  if (generation !== Number(sent)) {
    generations.set(person, Number.NaN);
    return undefined;
  }
  generations.set(person, generation + 1);
  return `1/${person}/${generation + 1}/${"r".repeat(90)}`;
}

async function exchange(response: ServerResponse, form: URLSearchParams): Promise<void> {
  exchanges += 1;
  const code = form.get("code");
  const refreshToken = form.get("refresh_token") ?? "";
  const person = code === null ? read(refreshToken)[0] : (code.split("/")[1] ?? "");
  const next = code === null && settings.isRotating ? nextToken(refreshToken) : undefined;
  if (settings.latencyMs > 0) await sleep(settings.latencyMs);
  if (code === null && settings.isRotating && next === undefined) {
    refused += 1;
    answer(response, 400, { error: "invalid_grant" });
    return;
  }
  const isNew = code !== null || next !== undefined;
  answer(response, 200, {
    access_token: accessTokenOf(`${person}-${exchanges}`),
    expires_in: settings.expiresIn,
    ...(isNew ? { refresh_token: next ?? `1/${person}/0/${"r".repeat(90)}` } : {}),
    scope,
    token_type: "Bearer",
    ...(code === null ? {} : { id_token: idTokenOf(person) }),
  });
}

const server = createServer((request, response) => {
  if (settings.isAway) {
    answer(response, 503, { error: "temporarily_unavailable" });
    return;
  }
  if (request.url === "/revoke") {
    answer(response, 200, {});
    return;
  }
  if (request.method !== "POST") {
    answer(response, 200, request.url === "/pem" ? { k: pem } : { keys: [jwk] });
    return;
  }
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (chunk: string) => (body += chunk));
  request.on("end", () => void exchange(response, new URLSearchParams(body)));
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on("message", ({ people = 0, forgets = false, ...changes }: Tell) => {
  if (forgets) generations.clear();
  Object.assign(settings, changes);
  for (let n = 0; n < people; n += 1) idTokenOf(`p${n}`);
  process.send?.({ exchanges, refused } satisfies Told);
  [exchanges, refused] = [0, 0];
});
