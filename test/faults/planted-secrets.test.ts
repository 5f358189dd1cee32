/**
 * Secrets pass through a service in a process of its own, with its keeper, by every road; processes are killed meanwhile.
 * Afterwards every byte that is left is searched: what was printed, answered and measured, the folder of the store with
 * its log and rescue, and whatever a crash wrote. `SECRETS=full` plants thousands; without it, some hundred.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { movableClock } from "../../src/index.ts";
import { permissions } from "../../src/vault/http/callers.ts";
import { signal } from "../../tools/chaos/processes.ts";
import { oneOf, seeded } from "../../tools/random.ts";
import { SecretPlanter, findPlanted, secretKinds } from "../support/planted-secrets.ts";
import { routes } from "../service/http/route-table.ts";
import { findSecret } from "../support/secret-encodings.ts";
import { raw } from "../support/test-service.ts";
import { testVault } from "../support/test-vault.ts";
import { startServiceProcess } from "./service-process.ts";
import type { ServiceProcess } from "./service-process.ts";

const isFull = process.env["SECRETS"] === "full";
const seed = Number(process.env["SECRETS_SEED"] ?? 20_261_126);
const wanted = isFull ? 4_000 : 400;
const random = seeded(seed);
const planter = new SecretPlanter();
function pick<T>(...items: readonly T[]): T {
  return oneOf(random, items) as T;
}
const any = (): string => planter.plant(pick(...secretKinds));

/**
 * Stands between the service and its provider, and hands out tokens of its own making in place of the provider's. Some
 * answers it makes itself: refusals that repeat secrets in each place.
 */
async function plantingFront(t: TestContext, target: string) {
  const real = new Map<string, string>();
  const planted = new Map<string, string>();
  const seen = new Set<string>();
  const state = { refuses: 0 };
  const fake = (token: string, kind: "accessToken" | "refreshToken"): string => {
    const made = planted.get(token) ?? planter.plant(kind);
    planted.set(token, made);
    real.set(made, token);
    return made;
  };
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      // What an API says goes on to the caller as it is.
      if (state.refuses > 0 && request.url !== undefined && /^\/(?:token|revoke)$/.test(request.url)) {
        state.refuses -= 1;
        response.writeHead(random() < 0.1 ? pick(302, 401, 403, 429, 500, 503) : 400, {
          "content-type": pick("application/json", "text/html"),
          "www-authenticate": `Bearer error_description="${any()}"`,
          location: `https://portal.example/?code=${encodeURIComponent(any())}`,
          "set-cookie": `a=${encodeURIComponent(any())}`,
        });
        response.end(JSON.stringify({ error: pick("invalid_grant", any()), error_description: any(), echo: any() }));
        return;
      }
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      for (const name of ["refresh_token", "token"]) {
        const known = real.get(form.get(name) ?? "");
        if (known !== undefined) form.set(name, known);
      }
      const bearer = request.headers.authorization?.replace(/^Bearer /, "") ?? "";
      const answer = await fetch(target + (request.url ?? ""), {
        method: request.method ?? "GET",
        redirect: "manual",
        headers: {
          "content-type": request.headers["content-type"] ?? "",
          ...(bearer === "" ? {} : { authorization: `Bearer ${real.get(bearer) ?? bearer}` }),
        },
        ...(chunks.length === 0 ? {} : { body: form.toString() }),
      });
      let text = await answer.text();
      if (request.url === "/token" && answer.ok) {
        const body = JSON.parse(text) as Record<string, string>;
        const { access_token: access, id_token: idToken } = body;
        // The ID token has a hash of the access token that came with it, so there both stay as they are.
        if (idToken !== undefined) [access, idToken].forEach((each) => each !== undefined && seen.add(each));
        else if (access !== undefined) body["access_token"] = fake(access, "accessToken");
        if (body["refresh_token"] !== undefined) body["refresh_token"] = fake(body["refresh_token"], "refreshToken");
        text = JSON.stringify(body);
      }
      response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" }).end(text);
    })().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, state, seen };
}

/** Every file under a folder, with its bytes. Processes that end take some of them away meanwhile. */
function bytesUnder(folder: string): [path: string, bytes: Buffer][] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap((entry) => {
      const path = join(entry.parentPath, entry.name);
      try {
        return [[path, readFileSync(path)]];
      } catch {
        return [];
      }
    });
}

test(
  `secrets that pass through a service, also one that is killed, are left nowhere (SECRETS_SEED=${seed})`,
  { timeout: 900_000 },
  async (t) => {
    const fixture = await testVault(t, { clock: movableClock() });
    const { standin } = fixture;
    const front = await plantingFront(t, standin.url);
    const operator = await fixture.open();
    const keys: string[] = [];
    for (const allow of [permissions, ["grants:read"] as const]) {
      keys.push((await operator.callers.create(`c${keys.length}`, { allow })).key.expose());
    }
    await operator.close();
    const [key = ""] = keys;
    const tickets: string[] = [];
    const folder = join(fixture.path, "..");
    const found: string[] = [];
    const search = (bytes: Buffer | string, where: string, more: Iterable<string> = []): void => {
      const form = findPlanted(bytes);
      if (form !== undefined) found.push(`${where}: ${form}`);
      for (const secret of [...keys, ...tickets, fixture.key.expose(), standin.clientSecret, ...more]) {
        const known = findSecret(Buffer.from(bytes), secret);
        if (known !== undefined) found.push(`${where}: a real secret, ${known}`);
      }
    };
    let files = 0;
    const searchFolder = (): void => {
      for (const [path, bytes] of bytesUnder(folder)) {
        search(bytes, path, front.seen);
        files += 1;
      }
    };
    const printed: Buffer[] = [];
    const start = async (): Promise<ServiceProcess> => {
      const started = await startServiceProcess(
        t,
        fixture,
        { ONBEHALF_GOOGLE_BASE_URL: front.url, ONBEHALF_LOG_LEVEL: "debug" },
        folder,
      );
      started.onOutput((chunk) => printed.push(chunk));
      return started;
    };
    let service = await start();
    const counts = new Map<string, number>();
    /** Asks, and searches the answer unless it is one that hands out a token or a person's data. */
    const ask = async (
      path: string,
      init: RequestInit & { headers?: Record<string, string> } = {},
    ): Promise<Response> => {
      try {
        const response = await fetch(service.url + path, { redirect: "manual", ...init });
        const text = await response.clone().text();
        const isOwn =
          response.ok &&
          (path.includes("/token") || ["/authcode", "/v1/grants", "/v1/tickets"].some((each) => path.includes(each)));
        search([...response.headers].flat().join("\n"), `a header of ${path}`);
        if (!isOwn) search(text, `an answer to ${path.slice(0, 40)}`);
        counts.set(String(response.status), (counts.get(String(response.status)) ?? 0) + 1);
        return response;
      } catch {
        counts.set("none", (counts.get("none") ?? 0) + 1);
        return Response.error();
      }
    };
    const bearer = { authorization: `Bearer ${key}` };
    const grants: string[] = [];
    const steps: readonly (() => Promise<void>)[] = [
      async () => {
        // A sign-in. The person's address is planted, too.
        const code = standin.code({ email: planter.plant("email"), scope: "openid email profile" });
        const body = new URLSearchParams({ code, source: "android", external_id: planter.plant("opaque") });
        if (random() < 0.3) front.state.refuses = 1;
        const response = await ask("/v1/grants", { method: "POST", headers: bearer, body });
        if (!response.ok) return;
        const { grant_id: id } = (await response.json()) as { grant_id?: string };
        if (id !== undefined) grants.push(id);
      },
      async () => {
        const names = [
          "authCode",
          "code",
          "source",
          "nonce",
          "redirect_uri",
          "code_verifier",
          "scope",
          "external_id",
          "ticket",
          any(),
        ];
        const body = new URLSearchParams({ [pick(...names)]: any(), [pick(...names)]: any() });
        const headers = {
          "x-requested-with": any(),
          "content-type": pick(
            "application/x-www-form-urlencoded",
            "application/json",
            `text/${planter.plant("opaque")}`,
          ),
          origin: pick("null", `https://${planter.plant("opaque")}`),
          cookie: any(),
          authorization: pick(`Bearer ${any()}`, `Basic ${any()}`, any(), ...keys),
        };
        await ask(pick("/authcode", "/v1/grants"), {
          method: "POST",
          headers,
          body: pick(body.toString(), `{"${any()}`),
        });
      },
      async () => {
        // A ticket for a user whose id is planted, and a code that comes with it, or with one that is none.
        const made = await ask("/v1/tickets", {
          method: "POST",
          headers: bearer,
          body: new URLSearchParams({ external_id: planter.plant("opaque"), account: planter.plant("email") }),
        });
        const { ticket = "" } = made.ok ? ((await made.json()) as { ticket?: string }) : {};
        if (ticket !== "") tickets.push(ticket);
        const authCode = standin.code({ email: planter.plant("email"), scope: "openid email profile" });
        if (random() < 0.3) front.state.refuses = 1;
        await ask("/authcode", {
          method: "POST",
          headers: { "x-requested-with": "fetch" },
          body: new URLSearchParams({ authCode, ticket: pick(ticket, ticket, planter.plant("ticket"), any()) }),
        });
        front.state.refuses = 0;
      },
      async () => {
        const route = pick(...routes);
        const ref = pick(...grants.slice(-20), `ext:${encodeURIComponent(any())}`, encodeURIComponent(any()));
        const place = pick("www.googleapis.com/drive/v3/files", `www.googleapis.com/${encodeURIComponent(any())}`);
        const path = route.path.replace("{ref}", ref).replace("{target}", place);
        const headers = { authorization: pick(`Bearer ${key}`, `Bearer ${any()}`), "x-forwarded-host": any() };
        await ask(`${path}?${encodeURIComponent(any())}=${encodeURIComponent(any())}`, {
          method: route.method,
          headers,
        });
      },
      async () => {
        const lines = [
          `GET /${encodeURIComponent(any())} HTTP/1.1`,
          `Host: ${pick("x", planter.plant("opaque"))}`,
          `Authorization: Bearer ${any()}`,
          any(),
        ];
        for (const answer of await raw(service.url, `${lines.join("\r\n")}\r\n\r\n`).catch(() => [])) {
          search(JSON.stringify([...answer.headers, answer.body]), "an answer to bytes");
        }
      },
      async () => {
        const id = grants.at(-1) ?? "g_none";
        if (random() < 0.4) front.state.refuses = 2;
        const token = await ask(`/v1/grants/${id}/token`, { headers: bearer });
        const { access_token: held = "" } = token.ok ? ((await token.json()) as { access_token?: string }) : {};
        const refused = createHash("sha256").update(held).digest("hex");
        await ask(`/v1/grants/${id}/token?refused=${refused}`, { headers: bearer });
        await ask(`/v1/grants/${id}/proxy/www.googleapis.com/drive/v3/files?q=${any()}`, { headers: bearer });
        if (random() < 0.3) await ask(`/v1/grants/${id}`, { method: "DELETE", headers: bearer });
        front.state.refuses = 0;
      },
      async () => {
        for (const path of ["/metrics", "/readyz", "/openapi.json", "/.well-known/jwks.json"]) await ask(path);
        await ask(`/v1/grants?cursor=${encodeURIComponent(any())}`, { headers: bearer });
      },
    ];
    const killsEvery = isFull ? 100 : 25;
    let kills = 0;
    for (let at = 1; planter.planted < wanted && found.length === 0; at += 1) {
      await steps[at % steps.length]?.();
      if (at % killsEvery !== 0) continue;
      searchFolder();
      // In the middle of what is under way.
      kills += 1;
      const under = [steps[0]?.(), steps[4]?.(), steps[1]?.()];
      const how = pick<NodeJS.Signals>("SIGKILL", "SIGSEGV", "SIGABRT", "SIGTERM");
      const victims = kills % 2 === 0 ? [service.pid] : service.keepers();
      for (const pid of victims) signal(pid, how);
      await Promise.all(under.map((each) => Promise.resolve(each)));
      signal(service.pid, "SIGTERM");
      await service.ended;

      // With the write-ahead log, and whatever the crash has left.
      searchFolder();
      service = await start();
    }
    signal(service.pid, "SIGTERM");
    await service.ended;
    await service.allEnded();

    search(Buffer.concat(printed), "what was printed", front.seen);
    searchFolder();
    assert.deepEqual([...new Set(found)].slice(0, 5), []);
    assert.ok((counts.get("200") ?? 0) > 20 && !counts.has("500"), JSON.stringify([...counts]));
    assert.ok(
      kills > 0 && printed.length > 0 && files > 2 && grants.length > 5 && tickets.length > 5,
      `${grants.length} grants`,
    );
    t.diagnostic(`${planter.planted} secrets, ${kills} kills; ${files} files; ${JSON.stringify([...counts])}`);
  },
);
