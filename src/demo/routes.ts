import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import type { Context } from "hono";
import { systemClock } from "../core/clock.ts";
import { OnbehalfError, isOnbehalfError, parseGrantRef } from "../index.ts";
import type { Clock, Grant, GrantRef, Vault } from "../index.ts";
import { formOf } from "../vault/http/parameters.ts";
import { readParameters } from "../vault/http/request-body.ts";
import { grantBody, wholeNumber } from "../service/http/json-bodies.ts";
import { problemResponse } from "../service/http/problems.ts";
import type { Standin } from "../standin/index.ts";
import { deleteNote, listNotes, readNote, storeNote } from "./app-folder.ts";
import { pageFiles } from "./assets.ts";
import { guardDemo } from "./guard.ts";
import { readAtOnce } from "./readers.ts";
import type { DataFolder } from "./data-folder.ts";
import type { Timeline } from "./timeline.ts";

/** What the demo's routes work with. */
export interface DemoParts {
  readonly vault: Vault;
  readonly standin: Standin;
  readonly clock: Clock;
  readonly timeline: Timeline;
  readonly folder: Pick<DataFolder, "database" | "keyFile">;
  readonly callerKeyFile: string;
  /** Called with each error that becomes `internal_error`. */
  readonly onFault: (error: unknown) => void;
}

/**
 * The page, and what its buttons do: the part of an app's own server. It uses public interfaces alone, so that an app could
 * contain each of these lines.
 *
 * @returns a handler that answers `/` and `/demo/…`, and undefined for everything else
 */
export function demoRoutes(parts: DemoParts): (request: Request) => Promise<Response> | undefined {
  const { vault, standin, clock, timeline, folder, callerKeyFile, onFault } = parts;
  const run = randomUUID();
  const app = new Hono({ strict: true });
  const file = pageFiles(standin.url);

  app.get("/", () => file("index.html") ?? nothingHere());
  app.get("/demo/page/:name", (context) => file(context.req.param("name")) ?? nothingHere());

  app.get("/demo/state", async (context) => {
    const since = wholeNumber("since", query(context).get("since"), 0, 999_999_999) ?? 0;
    const { grants } = await vault.grants({ limit: 20 });
    const news = timeline.since(since);
    return json({
      run,
      standin: standin.url,
      caller_key_file: callerKeyFile,
      database: folder.database,
      master_key_file: folder.keyFile,
      client_id: standin.clientId,
      now: new Date(clock.now()),
      ahead_seconds: Math.round((clock.now() - systemClock.now()) / 1_000),
      grants: grants.map(shownGrant),
      timeline: news,
    });
  });

  app.get("/demo/files", async (context) => json({ files: await listNotes(vault, refOf(query(context))) }));
  app.post("/demo/files", async (context) => {
    const form = await readParameters(context.req.raw);
    const name = form.get("name") ?? "note.txt";
    return json(await storeNote(vault, refOf(form), name, form.get("text") ?? ""));
  });
  app.get("/demo/files/:id", async (context) =>
    json({ text: await readNote(vault, refOf(query(context)), context.req.param("id")) }),
  );
  app.delete("/demo/files/:id", async (context) => {
    await deleteNote(vault, refOf(query(context)), context.req.param("id"));
    return json({});
  });

  app.post("/demo/clock", async (context) => {
    const form = await readParameters(context.req.raw);
    const seconds = wholeNumber("advance_seconds", form.get("advance_seconds"), 1, 31_536_000) ?? 3_700;
    standin.advance(seconds * 1_000);
    return json({ now: new Date(clock.now()) });
  });

  app.post("/demo/token", async (context) => {
    const { expiresAt } = await vault.getAccessToken(refOf(await readParameters(context.req.raw)));
    return json({ expires_at: expiresAt });
  });

  app.post("/demo/readers", async (context) => {
    const form = await readParameters(context.req.raw);
    const readers = wholeNumber("readers", form.get("readers"), 1, 1_000) ?? 100;
    const advanceSeconds = wholeNumber("advance_seconds", form.get("advance_seconds"), 0, 31_536_000) ?? 0;
    const grant = await vault.grant(refOf(form));
    if (advanceSeconds > 0) standin.advance(advanceSeconds * 1_000);
    timeline.note({ kind: "readers", from: "server", what: `${readers} readers ask for a token at once`, with: [] });
    const outcome = await readAtOnce(vault, grant, readers, (since) => standin.log(since).entries);
    timeline.readersServed(outcome);
    return json(outcome);
  });

  app.post("/demo/revoke-at-google", async (context) => {
    const { profile, clientId } = await vault.grant(refOf(await readParameters(context.req.raw)));
    await removeApp(standin.url, profile.email ?? "", clientId);
    return json({});
  });

  app.delete("/demo/grants/:ref", async (context) =>
    json(grantBody(await vault.revoke(parseGrantRef(context.req.param("ref"))))),
  );

  app.notFound(nothingHere);
  app.onError((error) => {
    const response = problemResponse(error);
    if (response.status === 500) onFault(error);
    if (isOnbehalfError(error) && "grantId" in error.details) timeline.refused(error.code, response.status);
    return response;
  });

  return (request) => {
    const { pathname } = new URL(request.url);
    // The service answers the phone's request. Here it is only added to the timeline.
    if (pathname === "/authcode" && request.method === "POST") {
      const header = request.headers.has("x-requested-with") ? ["X-Requested-With"] : [];
      timeline.note({
        kind: "authcode",
        from: "phone",
        to: "server",
        what: "POST /authcode",
        with: ["authCode", ...header],
      });
    }
    if (pathname !== "/" && !pathname.startsWith("/demo/")) return undefined;
    return answer(request);
  };

  /** The stand-in forgets its people when it stops: what an earlier run stored is no longer good there. */
  function shownGrant(grant: Grant): Record<string, unknown> {
    return { ...grantBody(grant), this_run: timeline.signedIn.has(grant.profile.email ?? "") };
  }

  async function answer(request: Request): Promise<Response> {
    try {
      if (!isPage(request)) guardDemo(request);
    } catch (error) {
      return problemResponse(error);
    }
    return app.fetch(request);
  }
}

/** Whether this asks for the page or its files. Any site may link to them: there is nothing about a person in them. */
function isPage({ method, url }: Request): boolean {
  const { pathname } = new URL(url);
  return method === "GET" && (pathname === "/" || pathname.startsWith("/demo/page/"));
}

/** Presses the button of the account page at Google, as the person would. */
async function removeApp(standinUrl: string, email: string, clientId: string): Promise<void> {
  const body = new URLSearchParams({ email, project: clientId.split("-", 1)[0] ?? "" });
  const response = await fetch(`${standinUrl}/account/access`, { method: "POST", body, redirect: "manual" });
  await response.body?.cancel();
}

function query({ req }: Context): ReadonlyMap<string, string> {
  return formOf(new URL(req.url).search);
}

function refOf(parameters: { get(name: string): string | undefined }): GrantRef {
  return parseGrantRef(parameters.get("grant") ?? "");
}

function json(body: unknown): Response {
  return Response.json(body, { headers: { "cache-control": "no-store" } });
}

function nothingHere(): Response {
  return problemResponse(
    new OnbehalfError("not_found", "there is nothing at this address", { hint: "open the page at /", details: {} }),
  );
}
