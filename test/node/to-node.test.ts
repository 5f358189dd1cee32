import assert from "node:assert/strict";
import { connect, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import fastify from "fastify";
import { toNode } from "../../src/node/index.ts";
import type { WebHandler } from "../../src/node/index.ts";
import { service } from "../../src/service/index.ts";
import {
  connect as connectFramework,
  express4,
  express5,
  fastifyListening,
  listening,
  quiet,
} from "../support/node-frameworks.ts";
import { assertProblem, publicErrors } from "../support/problem.ts";
import { rawRequest } from "../support/test-service.ts";
import { testVault } from "../support/test-vault.ts";

const form = "application/x-www-form-urlencoded";
const fine: WebHandler = () => new Response("fine");
const failing: WebHandler = () => {
  throw Object.assign(new Error("a secret"), { status: 418 });
};

/** Says where a request went, and what it brought. */
const echo: WebHandler = async (request, { mountPath }) =>
  Response.json({ url: request.url, mountPath, type: request.headers.get("content-type"), body: await request.text() });

interface Echoed {
  readonly url: string;
  readonly mountPath: string;
  readonly type: string | null;
  readonly body: string;
}

async function echoed(url: string, init?: RequestInit): Promise<Echoed> {
  const response = await fetch(url, init);
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as Echoed;
}

describe("toNode and the body", () => {
  test("a compressed body that a parser has unpacked is not called compressed any more", async (t) => {
    const app = quiet(express5());
    app.use(express5.json());
    app.use(toNode(echo));
    const { body } = await echoed(await listening(t, app), {
      method: "POST",
      headers: { "content-type": "application/json", "content-encoding": "gzip" },
      body: gzipSync('{"authCode":"4/0"}'),
    });
    assert.equal(body, '{"authCode":"4/0"}');
  });

  test("a name in another charset, which a parser has decoded, comes in UTF-8", async (t) => {
    const app = quiet(express5());
    app.use(express5.urlencoded({ extended: false }));
    app.use(toNode(echo));
    const { type, body } = await echoed(await listening(t, app), {
      method: "POST",
      headers: { "content-type": `${form}; charset=ISO-8859-1` },
      body: "name=%E4",
    });
    assert.deepEqual([type, new URLSearchParams(body).get("name")], [form, "ä"]);
  });

  for (const [name, express] of [
    ["Express 5", express5],
    ["Express 4", express4],
  ] as const) {
    test(`in ${name}, a body that a stranger has read and not kept is named, with what to do`, async (t) => {
      const app = quiet(express());
      if (express === express4) app.use(express.json());
      app.use((request: NodeJS.ReadableStream, _response: unknown, next: () => void) => {
        request.resume().once("end", next);
      });
      app.use(toNode(fine));
      const body = new URLSearchParams({ authCode: "4/0-this-is-a-code" });
      const response = await fetch(await listening(t, app), { method: "POST", body });
      const problem = (await response.json()) as Record<string, string>;
      assert.deepEqual([response.status, problem["error"]], [500, "configuration_invalid"]);
      assert.match(problem["error_description"] ?? "", /^a body parser has read this request's body .* before/);
      assert.match(problem["hint"] ?? "", /^mount the handler before the body parser/);
      assert.ok(!JSON.stringify(problem).includes("4/0"));
    });
  }

  test("a body of megabytes reaches the handler whole, and one that nobody reads does not hold up the connection", async (t) => {
    const size = 8 * 1024 * 1024;
    const url = await listening(
      t,
      toNode(async (request) => {
        if (new URL(request.url).pathname === "/ignored") return new Response("ignored");
        return new Response(String((await request.arrayBuffer()).byteLength));
      }),
    );
    const body = Buffer.alloc(size);
    assert.equal(await (await fetch(url, { method: "POST", body })).text(), String(size));
    assert.equal(await (await fetch(`${url}/ignored`, { method: "POST", body: Buffer.alloc(1024) })).text(), "ignored");
    assert.equal(await (await fetch(url, { method: "POST", body: "x" })).text(), "1");
  });

  test("the handler's request is one of the global class, which fetch and new Request take", async (t) => {
    const url = await listening(
      t,
      toNode(async (request) => {
        assert.ok(request instanceof Request);
        return new Response(await new Request(request).text());
      }),
    );
    assert.equal(await (await fetch(url, { method: "POST", body: "as it is" })).text(), "as it is");
  });
});

describe("toNode and the address", () => {
  test("beneath a path, the handler sees the whole URL, and is told what its framework has taken off", async (t) => {
    const four = quiet(express4());
    const five = quiet(express5());
    const inner = express5();
    inner.use("/in", toNode(echo));
    five.use("/out", inner);
    four.use("/out/in", toNode(echo));
    const plain = connectFramework();
    plain.use("/out/in", toNode(echo));
    for (const app of [four, five, plain]) {
      const url = await listening(t, app);
      for (const rest of ["", "/", "/x?y=/out/in", "?z"]) {
        const { url: seen, mountPath } = await echoed(`${url}/out/in${rest}`);
        assert.deepEqual([seen, mountPath], [`${url}/out/in${rest}`, "/out/in"], rest);
      }
    }
    const app = fastify();
    await app.register(async (scope) => scope.all("/*", toNode(echo)), { prefix: "/out" });
    const url = await fastifyListening(t, app);
    assert.deepEqual(await echoed(`${url}/out/in`), { url: `${url}/out/in`, mountPath: "/out", type: null, body: "" });
  });

  test("the whole service works beneath a path, in Express and in Fastify", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const { key } = await vault.callers.create("app", { allow: ["token"] });
    const app = quiet(express5());
    app.use(express5.json());
    app.use(express5.urlencoded({ extended: true }));
    app.use("/vault", toNode(service(vault)));
    const other = fastify();
    other.removeAllContentTypeParsers();
    other.addContentTypeParser("*", (_request, _payload, done) => done(null));
    await other.register(async (scope) => scope.all("/*", toNode(service(vault))), { prefix: "/vault" });
    for (const url of [await listening(t, app), await fastifyListening(t, other)]) {
      const signedIn = await fetch(`${url}/vault/authcode`, {
        method: "POST",
        headers: { "x-requested-with": "XMLHttpRequest" },
        body: new URLSearchParams({ authCode: fixture.code("ada@example.com") }),
      });
      assert.equal(signedIn.status, 200, await signedIn.clone().text());
      const { grant_id: grantId } = (await signedIn.json()) as { grant_id: string };
      const token = await fetch(`${url}/vault/v1/grants/${grantId}/token`, {
        headers: { authorization: `Bearer ${key.expose()}` },
      });
      assert.equal(token.status, 200, await token.clone().text());
      assert.equal((await fetch(`${url}/vault/healthz`)).status, 200);
      const links = "/vault/docs/errors.md";
      await assertProblem(await fetch(`${url}/vault/nothing`), "not_found", "", links);
      const { error_uri: uri } = (await (await fetch(`${url}/vault/authcode`)).json()) as Record<string, string>;
      assert.equal(uri, `${links}#method_not_allowed`);
      assert.match(await (await fetch(new URL(uri ?? "", url))).text(), /^## method_not_allowed$/m);
    }
  });

  const odd: Readonly<Record<string, readonly [target: string, headers?: Record<string, string>]>> = {
    "a whole URL of another host": ["http://other.example/authcode"],
    "a dot segment": ["/a/../authcode"],
    "a dot segment in another spelling": ["/a/%2e%2e/authcode"],
    "a host that no name has": ["/authcode", { host: "1.2.3.4.5" }],
    "a host with a path": ["/authcode", { host: "x/y" }],
  };
  for (const [what, [target, headers = {}]] of Object.entries(odd)) {
    test(`a request with ${what} is refused before the handler sees it`, async (t) => {
      let seen = 0;
      const url = await listening(
        t,
        toNode(() => {
          seen += 1;
          return new Response();
        }),
      );
      const { status, headers: said, body } = await rawRequest(url, target, { headers });
      await assertProblem({ status, headers: said, text: async () => body }, "invalid_request", "", publicErrors);
      assert.equal(seen, 0);
    });
  }

  test("two slashes at the start of a path name no host", async (t) => {
    const url = await listening(t, toNode(echo));
    const { body } = await rawRequest(url, "//other.example/authcode");
    assert.equal((JSON.parse(body) as Echoed).url, `${url}//other.example/authcode`);
  });

  test("a method that no web-standard request can have is refused", async (t) => {
    const url = await listening(t, toNode(fine));
    const { status, headers, body } = await rawRequest(url, "/", { method: "TRACE" });
    await assertProblem({ status, headers, text: async () => body }, "method_not_allowed", "", publicErrors);
  });

  test("over HTTP/2, the handler sees host, body and path, and answers", async (t) => {
    const server = createServer(toNode(echo) as unknown as Parameters<typeof createServer>[1]);
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    t.after(() => server.close());
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const session = connect(origin);
    t.after(() => session.close());
    const stream = session.request({ ":path": "/a?b", ":method": "POST", "content-type": form });
    stream.end("authCode=1");
    const answer = JSON.parse(await text(stream)) as Echoed;
    assert.deepEqual([answer.url, answer.body], [`${origin}/a?b`, "authCode=1"]);
  });
});

describe("toNode and what goes wrong", () => {
  test("next is called with what the handler throws, and with nothing else", async (t) => {
    for (const app of [quiet(express4()), quiet(express5()), connectFramework()]) {
      const told: unknown[] = [];
      app.use("/fine", toNode(fine));
      app.use("/failing", toNode(failing));
      app.use("/none", toNode((() => undefined) as unknown as WebHandler));
      app.use((_request: unknown, response: { end(text: string): void }) => {
        told.push("went on");
        response.end("went on");
      });
      app.use((error: Error, _request: unknown, response: { end(text: string): void }, _next: unknown) => {
        told.push(error.message);
        response.end("told");
      });
      const url = await listening(t, app);
      assert.equal(await (await fetch(`${url}/fine`)).text(), "fine");
      assert.equal(await (await fetch(`${url}/failing`)).text(), "told");
      assert.equal(await (await fetch(`${url}/none`)).text(), "told");
      assert.deepEqual(told, ["a secret", "the handler given to toNode returned no Response"]);
    }
  });

  test("without next, an error becomes internal_error, and only onFault hears its message", async (t) => {
    const told: unknown[] = [];
    const url = await listening(t, toNode(failing, { onFault: (error) => told.push((error as Error).message) }));
    const response = await fetch(url);
    assert.equal(response.status, 500);
    const body = await response.text();
    assert.match(body, /"error":"internal_error"/);
    assert.ok(!body.includes("a secret"));
    assert.deepEqual(told, ["a secret"]);
  });

  test("without next and onFault, an error is a warning of the process, without its message", async (t) => {
    const warn = t.mock.method(process, "emitWarning", () => undefined);
    await fetch(await listening(t, toNode(failing)));
    assert.deepEqual(
      warn.mock.calls.map(({ arguments: [message] }) => message as unknown),
      ["the handler given to toNode failed (Error); give toNode onFault to see why"],
    );
  });

  test("in Fastify, its error handler gets what the handler throws, and its hooks see what the handler answers", async (t) => {
    const app = fastify();
    const seen: number[] = [];
    app.addHook("onSend", async (_request, reply) => {
      seen.push(reply.statusCode);
      reply.header("x-of-a-plugin", "1");
    });
    app.setErrorHandler((error: Error, _request, reply) => reply.code(503).send(`told: ${error.message}`));
    app.get(
      "/fine",
      toNode(() => new Response("made", { status: 201, headers: { vary: "origin" } })),
    );
    app.get("/failing", toNode(failing));
    const url = await fastifyListening(t, app);
    const made = await fetch(`${url}/fine`);
    assert.deepEqual([made.status, made.headers.get("x-of-a-plugin"), await made.text()], [201, "1", "made"]);
    assert.equal(await (await fetch(`${url}/failing`)).text(), "told: a secret");
    assert.deepEqual(seen, [201, 503]);
    const { body } = await app.inject({ method: "GET", url: "/fine" });
    assert.equal(body, "made");
  });

  test("cookies and Vary of a middleware stay beside the handler's, and its other headers do not stand twice", async (t) => {
    const app = quiet(express5());
    app.use(
      (_request: unknown, response: { setHeader(name: string, value: string | string[]): void }, next: () => void) => {
        response.setHeader("set-cookie", ["session=1"]);
        response.setHeader("vary", "origin");
        response.setHeader("cache-control", "public");
        next();
      },
    );
    const headers = new Headers([
      ["set-cookie", "b=2"],
      ["set-cookie", "c=3"],
      ["vary", "accept"],
      ["cache-control", "no-store"],
    ]);
    app.use(toNode(() => new Response("x", { headers })));
    const response = await fetch(await listening(t, app));
    assert.deepEqual(response.headers.getSetCookie(), ["session=1", "b=2", "c=3"]);
    assert.equal(response.headers.get("vary"), "origin, accept");
    assert.equal(response.headers.get("cache-control"), "no-store");
  });

  test("where a middleware has answered already, the handler's answer is dropped", async (t) => {
    const app = quiet(express5());
    app.use((_request: unknown, response: { end(text: string): void }, next: () => void) => {
      response.end("too slow");
      next();
    });
    app.use(toNode(fine));
    assert.equal(await (await fetch(await listening(t, app))).text(), "too slow");
  });
});
