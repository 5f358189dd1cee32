import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { after, before, describe, test } from "node:test";
import { Demo, xhr } from "../support/demo.ts";
import type { Answered } from "../support/demo.ts";

describe("the demo's own routes, which the page's buttons use", () => {
  let demo: Demo;
  let grant: string;
  before(async () => {
    demo = await Demo.start();
    grant = String((await demo.signIn("ada@example.com"))["grant_id"]);
  });
  after(() => demo.stop());

  const post = (path: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Answered> =>
    demo.request(demo.service + path, {
      method: "POST",
      headers: { ...xhr, ...headers },
      body: new URLSearchParams({ grant, ...form }),
    });
  const get = (path: string): Promise<Answered> => demo.request(`${demo.service}${path}?grant=${grant}`);

  test("the demo's routes: a note is stored, listed, read and deleted on the person's behalf", async () => {
    const text = "Quiet night. Größe: 3 — nothing else.";
    const stored = await post("/demo/files", { name: "night.txt", text });
    assert.equal(stored.status, 200);
    const id = String(stored.body["id"]);
    const { files } = (await get("/demo/files")).body as { files: { id: string; name: string }[] };
    assert.deepEqual(
      files.map(({ name }) => name),
      ["night.txt"],
    );
    assert.equal((await get(`/demo/files/${id}`)).body["text"], text);
    const url = `${demo.service}/demo/files/${id}?grant=${grant}`;
    assert.equal((await demo.request(url, { method: "DELETE", headers: xhr })).status, 200);
    const gone = await get(`/demo/files/${id}`);
    assert.equal(gone.status, 404);
    assert.equal(gone.body["error"], "not_found");
  });

  test("the demo's routes: a connect link leads back to the demo's own page, and nowhere else", async () => {
    const link = (return_url: string): Promise<Answered> =>
      demo.call("/v1/connect", {
        method: "POST",
        body: new URLSearchParams({ external_id: "user-7", return_url }),
      });
    const { status, body } = await link(demo.page);
    assert.equal(status, 201);
    const page = await (await fetch(String(body["url"]))).text();
    for (const said of ["Logbook", "user-7", "Google"]) assert.ok(page.includes(said), page);
    assert.equal((await link("http://127.0.0.1:9/")).body["error"], "return_url_not_allowed");
  });

  test("the demo's routes: a hundred readers as the token ends: all served, one token, one refresh", async () => {
    const { body } = await post("/demo/readers", { readers: "100", advance_seconds: "3700" });
    assert.deepEqual(body, { readers: 100, served: 100, tokens: 1, refreshes: 1, errors: [] });
  });

  test("the demo's routes: removed at google: the next call says so, and the readers say so", async () => {
    const other = String((await demo.signIn("leaver@example.com"))["grant_id"]);
    const asOther = (path: string, form: Record<string, string> = {}): Promise<Answered> =>
      post(path, { grant: other, ...form });
    assert.equal((await asOther("/demo/files", { text: "one" })).status, 200);
    assert.equal((await asOther("/demo/revoke-at-google")).status, 200);
    const refused = await asOther("/demo/files", { text: "two" });
    assert.equal(refused.status, 409);
    assert.equal(refused.body["error"], "reauthorization_required");
    const readers = await asOther("/demo/readers");
    assert.deepEqual(readers.body["errors"], ["reauthorization_required"]);
    assert.equal(readers.body["served"], 0);
  });

  test("the demo's routes: a scope that was not granted is named", async () => {
    const { grant_id: narrow } = await demo.signIn("narrow@example.com", { granted_scopes: "openid email profile" });
    const refused = await post("/demo/files", { grant: String(narrow), text: "one" });
    assert.equal(refused.status, 403);
    assert.equal(refused.body["error"], "insufficient_scope");
    assert.match(String(refused.body["error_description"]), /drive\.appdata/);
  });

  test("the demo's routes: the state tells the story in order, and nothing of it twice", async () => {
    const { body } = await demo.request(`${demo.service}/demo/state`);
    const timeline = body["timeline"] as { seq: number; what: string; from: string; outcome?: string }[];
    const told = timeline.map(({ what, outcome }) => `${what} ${outcome ?? ""}`.trim());
    const order = ["POST /authcode", "POST /token exchanged", "GET /oauth2/v3/certs served", "grant stored"];
    assert.deepEqual(told.slice(0, order.length), order);
    assert.deepEqual(
      timeline.map(({ seq }) => seq),
      timeline.map((_, index) => index + 1),
    );
    const last = timeline.at(-1)?.seq ?? 0;
    const { timeline: rest } = (await demo.request(`${demo.service}/demo/state?since=${last}`)).body;
    assert.deepEqual(rest, []);
    const grants = body["grants"] as { grant_id: string; state: string }[];
    assert.equal(grants.find(({ grant_id: id }) => id === grant)?.state, "active");
  });

  test("the demo's routes: the timeline tells who moved the clock, and what programs asked, many alike as one", async () => {
    const last = async (since: number): Promise<Record<string, unknown>[]> =>
      (await demo.request(`${demo.service}/demo/state?since=${since}`)).body["timeline"] as Record<string, unknown>[];
    const since = Number((await last(0)).at(-1)?.["seq"]);
    await demo.advance(86_400);
    const { status, body } = await post("/demo/token", {});
    assert.deepEqual([status, Object.keys(body)], [200, ["expires_at"]]);
    await Promise.all(Array.from({ length: 30 }, () => demo.token(grant)));
    // Other people's tokens are refreshed in the background, whenever it is their turn.
    const mine = ({ kind, who, grant_id: of }: Record<string, unknown>): boolean =>
      kind === "clock" || who === "ada@example.com" || of === grant;
    const told = await last(since);
    assert.deepEqual(
      told.filter(mine).map(({ kind, seconds, outcome, event }) => [kind, seconds ?? outcome ?? event]),
      [
        ["clock", 86_400],
        ["request", "refreshed"],
        ["event", "refreshed"],
      ],
    );
    const calls = told.filter(({ kind, what }) => kind === "call" && what === "/v1/grants/{ref}/token");
    assert.equal(
      calls.reduce((sum, { times }) => sum + Number(times), 0),
      30,
    );
    assert.ok(calls.length < 10, `${calls.length} lines for calls that are alike`);
    assert.ok(!JSON.stringify(told).includes("ya29."));
  });

  test("the demo's routes: disconnecting revokes at google, too", async () => {
    const mine = String((await demo.signIn("gone@example.com"))["grant_id"]);
    const url = `${demo.service}/demo/grants/${mine}`;
    const { status, body } = await demo.request(url, { method: "DELETE", headers: xhr });
    assert.equal(status, 200);
    assert.equal(body["state"], "revoked");
    assert.ok((await demo.log()).some(({ path, grant: of }) => path === "/revoke" && of === "gone@example.com"));
  });

  test("the demo's routes: bad input gets the documented error", async () => {
    const cases: readonly (readonly [Promise<Answered>, number, string])[] = [
      [post("/demo/readers", { readers: "many" }), 400, "invalid_request"],
      [post("/demo/readers", { readers: "1001" }), 400, "invalid_request"],
      [post("/demo/clock", { advance_seconds: "-1" }), 400, "invalid_request"],
      [post("/demo/token", { grant: "g_nobody" }), 404, "grant_not_found"],
      [post("/demo/files", { grant: "nobody" }), 400, "invalid_request"],
      [post("/demo/files", { grant: "g_nobody" }), 404, "grant_not_found"],
      [post("/demo/files", { text: "a".repeat(70_000) }), 413, "request_too_large"],
      [get("/demo/files/%2e%2e%2fescape"), 404, "not_found"],
      [get("/demo/nothing"), 404, "not_found"],
      [get("/demo/page/../run.ts"), 404, "not_found"],
      [get("/demo/page/run.ts"), 404, "not_found"],
      [demo.request(`${demo.service}/demo/state?since=x`), 400, "invalid_request"],
    ];
    for (const [asked, status, error] of cases) {
      const { status: got, body } = await asked;
      assert.deepEqual([got, body["error"]], [status, error]);
    }
  });

  describe("nobody but the page", () => {
    const refused = ({ status, body }: Answered): void => {
      assert.deepEqual([status, body["error"]], [403, "csrf_rejected"]);
    };

    test("the demo's routes: a request without the header is refused", async () => {
      const body = new URLSearchParams({ grant });
      refused(await demo.request(`${demo.service}/demo/revoke-at-google`, { method: "POST", body }));
    });

    test("the demo's routes: a page of another origin is refused, for reading as well", async () => {
      const foreign = { origin: "https://evil.example" };
      refused(await post("/demo/clock", {}, foreign));
      refused(await demo.request(`${demo.service}/demo/state`, { headers: foreign }));
      refused(await demo.request(`${demo.service}/demo/state`, { headers: { "sec-fetch-site": "cross-site" } }));
      refused(await demo.request(`${demo.service}/demo/state`, { headers: { "sec-fetch-site": "same-site" } }));
    });

    test("the demo's routes: a foreign name that was made to point here is refused", async () => {
      const { status, body } = await withHost(`${demo.service}/demo/state`, "rebound.example");
      refused({ status, headers: new Headers(), body: JSON.parse(body) as Answered["body"] });
    });
  });

  test("the demo's routes: the page: a strict policy, no inline script or style, nothing from elsewhere", async () => {
    const response = await fetch(demo.page);
    const html = await response.text();
    const policy = response.headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'none'/);
    assert.ok(!policy.includes("unsafe"), policy);
    assert.ok(!/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/.test(html));
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? "");
    assert.ok(links.length >= 4);
    assert.deepEqual(
      links.filter((link) => !link.startsWith("/demo/page/")),
      [],
    );
  });
});

/** `fetch` sets Host itself; a browser that was lied to by DNS sends the foreign name. */
function withHost(url: string, host: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { headers: { host }, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on("error", reject);
    sent.end();
  });
}
