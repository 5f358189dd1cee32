import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import fc from "fast-check";
import type { MaybePromise } from "../../../src/core/maybe-promise.ts";
import { RepeatedRequests } from "../../../src/service/http/repeated-requests.ts";

const headers = { "content-type": "application/json", "x-kind": "token" };

/** Answers that lie in memory: of every path that begins with `/held/`. */
const bodyOf = (path: string): string | undefined =>
  /^\/(?:held|stored|slow)\//.test(path) ? `{"of":"${path}"}` : undefined;

/** What is found at once, what is found later, and what is looked for in vain. */
function find(path: string): MaybePromise<string | undefined> {
  if (path.startsWith("/stored/")) return new Promise((resolve) => setImmediate(() => resolve(bodyOf(path))));
  if (path.startsWith("/vain/")) return Promise.resolve(undefined);
  if (path.startsWith("/failing/")) return Promise.reject(new Error("no store"));
  return path.startsWith("/slow/") ? new Promise(() => undefined) : bodyOf(path);
}

/** A server that says of each request what Node's parser made of it, and how many of them it saw. */
async function started(t: TestContext): Promise<{
  port: number;
  parsed: string[];
  /** Lets the answers go that wait. */
  goOn: () => void;
  close: () => Promise<void>;
  server: Server;
}> {
  const parsed: string[] = [];
  const waiting: (() => void)[] = [];
  const server = createServer({ keepAliveTimeout: 30_000 }, (incoming, outgoing) => {
    const isInVain = repeated.came(incoming, outgoing);
    const { method = "", url = "" } = incoming;
    parsed.push(`${method} ${url}${isInVain ? " in vain" : ""}`);
    const body = method === "GET" ? bodyOf(url) : undefined;
    if (body !== undefined) {
      repeated.mayRepeat(incoming, outgoing, paths, () => find);
      outgoing.writeHead(200, { ...headers, "content-length": body.length }).end(body, "latin1");
      return;
    }
    if (url === "/early" || url === "/late") {
      const answer = (): unknown => outgoing.writeHead(200, { "content-length": url.length }).end(url);
      if (url === "/early") answer();
      else waiting.push(answer);
      return;
    }
    if (method === "POST" && url === "/handle") repeated.mayRepeat(incoming, outgoing, bodies, () => bodyOf);
    const came: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => came.push(chunk));
    incoming.on("end", () => {
      const sent = Buffer.concat(came).toString("latin1");
      const held = url === "/handle" ? bodyOf(sent) : undefined;
      if (held !== undefined) {
        outgoing.writeHead(200, { ...headers, "content-length": held.length }).end(held, "latin1");
        return;
      }
      const said = JSON.stringify([method, url, incoming.headers["x-note"], sent]);
      // Later than what came with it.
      setImmediate(() => outgoing.writeHead(200, { "content-length": Buffer.byteLength(said) }).end(said));
    });
  });
  const repeated = new RepeatedRequests(server);
  const paths = repeated.route("path", headers, () => parsed.push("repeated"));
  const bodies = repeated.route("body", headers, () => parsed.push("repeated form"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = (): Promise<void> => {
    repeated.flush();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const goOn = (): void => waiting.splice(0).forEach((answer) => answer());
  return { port: (server.address() as AddressInfo).port, parsed, goOn, close, server };
}

/** Sends pieces, each once the one before has been taken, and reads until so many answers are there or the server ends. */
function exchange(port: number, pieces: readonly string[], answers: number, wait = false): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let received = "";
    const got: string[] = [];
    const left = [...pieces];
    const sendNext = (): void => {
      const piece = left.shift();
      // A turn of the loop, so that each piece is a read of its own, as a rule; what it is otherwise is good as well.
      if (piece !== undefined) socket.write(piece, "latin1", () => wait || setImmediate(sendNext));
    };
    socket.on("connect", sendNext);
    socket.on("error", reject);
    socket.on("close", () => resolve(got));
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      for (;;) {
        const end = received.indexOf("\r\n\r\n");
        const length = Number(/content-length: (\d+)/i.exec(received.slice(0, end))?.[1] ?? 0);
        if (end < 0 || received.length < end + 4 + length) break;
        got.push(received.slice(0, end + 4 + length).replace(/Date: [^\r]*/, "Date: now"));
        received = received.slice(end + 4 + length);
        if (wait) sendNext();
      }
      if (got.length === answers) socket.end();
    });
  });
}

const get = (path: string, note = "same"): string => `GET ${path} HTTP/1.1\r\nHost: a\r\nX-Note: ${note}\r\n\r\n`;
const post = (body: string): string =>
  `POST /form HTTP/1.1\r\nHost: a\r\nX-Note: post\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const handle = (body: string): string => post(body).replace("/form", "/handle");
const chunked = (body: string): string =>
  `POST /form HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

describe("repeated requests", () => {
  test("a request that differs from one before by its path alone is answered without Node's parser, in the same bytes", async (t) => {
    const { port, parsed } = await started(t);
    const paths = ["/held/1", "/held/2", "/held/3", "/held/1"];
    const together = await exchange(
      port,
      paths.map((path) => get(path)),
      4,
      true,
    );
    assert.deepEqual(parsed, ["GET /held/1", "repeated", "repeated", "repeated"]);
    const alone: string[] = [];
    for (const path of paths) alone.push(...(await exchange(port, [get(path)], 1)));
    assert.deepEqual(together, alone);
  });

  test("a request with another header, another method, or a path whose answer is not in memory goes to Node, and the next repeated one does not", async (t) => {
    const { port, parsed } = await started(t);
    const sent = [
      get("/held/1"),
      get("/other"),
      get("/held/2"),
      get("/held/3", "another"),
      get("/held/4", "another"),
      `DELETE${get("/held/5").slice(3)}`,
      post("x"),
      get("/held/6", "another"),
    ];
    await exchange(port, sent, sent.length, true);
    const node = [
      "GET /held/1",
      "GET /other in vain",
      "repeated",
      "GET /held/3",
      "repeated",
      "DELETE /held/5",
      "POST /form",
    ];
    assert.deepEqual(parsed, [...node, "repeated"]);
  });

  test("a form that differs from one before by its bytes alone is answered without Node's parser, in the same bytes", async (t) => {
    const { port, parsed } = await started(t);
    const forms = ["/held/1", "/held/2", "/held/10", "/other", "/held/3"].map(handle);
    const sent = [...forms, get("/held/3"), post("/held/3"), ...forms.slice(0, 1), ...forms.slice(0, 1)];
    const together = await exchange(port, sent, sent.length, true);
    const node = ["POST /handle", "repeated form", "POST /handle", "POST /handle", "POST /handle"];
    assert.deepEqual(parsed, [...node, "GET /held/3", "POST /form", "POST /handle", "repeated form"]);
    const alone: string[] = [];
    for (const each of sent) alone.push(...(await exchange(port, [each], 1)));
    assert.deepEqual(together, alone);
  });

  test("a form that comes with the beginning of the next request is as long as its head says", async (t) => {
    const { port, parsed } = await started(t);
    const next = get("/other");
    const pieces = [handle("/held/1"), handle("/held/2"), `${handle("/held/3")}${next.slice(0, 9)}`, next.slice(9)];
    const answers = await exchange(port, pieces, 4, true);
    assert.deepEqual(parsed, ["POST /handle", "repeated form", "POST /handle", "GET /other"]);
    assert.match(answers[2] ?? "", /\{"of":"\/held\/3"\}$/);
  });

  test("empty lines before a request are no end of its head", async (t) => {
    const { port, parsed } = await started(t);
    const inner = get("/held/9");
    const head = (length: number): string =>
      `\r\n\r\nPOST /early HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`;
    // As long as the head, and ten bytes more: whoever takes the first empty line for its end waits for fourteen.
    const length = head(10).length + 10;
    assert.equal(head(length).length, head(10).length);
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const answered = (): Promise<string> =>
      new Promise((resolve) => socket.once("data", (chunk) => resolve(chunk.toString("latin1"))));
    await new Promise((resolve) => socket.once("connect", resolve));
    for (const [piece, answer] of [
      [get("/held/1"), /held\/1/],
      [head(length), /early/],
    ] as const) {
      const next = answered();
      socket.write(piece, "latin1");
      assert.match(await next, answer);
    }
    for (const piece of ["x".repeat(14), inner]) {
      socket.write(piece, "latin1");
      // It has been read by now: the answer to another connection's request comes later.
      await exchange(port, [get("/held/2")], 1);
    }
    assert.ok(!parsed.includes("repeated"));
    socket.destroy();
  });

  test("what looks like a repeated request and is the rest of another one is no request", async (t) => {
    const { port, parsed } = await started(t);
    const inner = get("/held/9");
    const beginnings = [
      `POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: ${inner.length}\r\n\r\n`,
      `POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: ${inner.length + 1}\r\n\r\n1`,
      `POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: ${inner.length}\r\n\r\n`,
      `POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: ${inner.length + 1}\r\n\r\n1`,
      `POST /form HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${inner.length.toString(16)}\r\n`,
      "GET /other HTTP/1.1\r\nHost: a\r\nX-Note: ",
      "GET /other HTTP/1.1\r\nHost: a\r\n",
    ];
    for (const beginning of beginnings) {
      parsed.length = 0;
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      const answered = (): Promise<string> =>
        new Promise((resolve) => socket.once("data", (chunk) => resolve(chunk.toString("latin1"))));
      await new Promise((resolve) => socket.once("connect", resolve));
      socket.write(get("/held/1"));
      assert.match(await answered(), /held\/1/);
      socket.write(beginning, "latin1");
      // Node's parser has it by now: the answer to another connection's request comes later.
      await exchange(port, [get("/held/2")], 1);
      const next = beginning.includes("/form") ? answered() : undefined;
      socket.write(`${inner}${beginning.includes("chunked") ? "\r\n0\r\n\r\n" : ""}`, "latin1");
      if (next === undefined) await exchange(port, [get("/held/2")], 1);
      else assert.doesNotMatch(await next, /"of"/);
      assert.ok(!parsed.includes("repeated"), beginning);
      socket.destroy();
    }
  });

  test("an answer from memory does not overtake one that is still being made", async (t) => {
    const { port, goOn } = await started(t);
    const order: string[] = [];
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const got = (what: string): Promise<void> =>
      new Promise((resolve) => {
        socket.on("data", (chunk) => {
          order.push(...(chunk.toString("latin1").match(/\/(?:late|held\/\d)/g) ?? []));
          if (order.includes(what)) resolve();
        });
      });
    socket.write(get("/held/1"));
    await got("/held/1");
    socket.write(get("/late"));
    await exchange(port, [get("/held/8")], 1);
    socket.write(get("/held/2"));
    await exchange(port, [get("/held/8")], 1);
    goOn();
    await got("/held/2");
    assert.deepEqual([...new Set(order)], ["/held/1", "/late", "/held/2"]);
    socket.destroy();
  });

  test("however a connection's requests are divided, each is answered as it is alone, and in turn", async (t) => {
    const { port } = await started(t);
    const request = fc.oneof(
      {
        weight: 5,
        arbitrary: fc
          .constantFrom("/held/1", "/held/2", "/other", "/stored/1", "/vain/1", "/failing/1")
          .map((path) => get(path)),
      },
      fc.constant(get("/held/3", "another")),
      fc.constantFrom("", "body", get("/held/4"), "\r\n\r\n").map(post),
      fc.constantFrom("/held/1", "/held/2", "/held/10", "/others", get("/held/6"), handle("/held/7")).map(handle),
      fc.constantFrom("body", get("/held/5")).map(chunked),
    );
    const alone = new Map<string, string>();
    const aloneOf = async (each: string): Promise<string> => {
      const known = alone.get(each) ?? (await exchange(port, [each], 1))[0] ?? "";
      alone.set(each, known);
      return known;
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(request, { minLength: 1, maxLength: 8 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 }),
        fc.array(fc.boolean(), { maxLength: 8 }),
        async (requests, cuts, joined) => {
          const text = requests.join("");
          const ends: number[] = [];
          for (const each of requests) ends.push((ends.at(-1) ?? 0) + each.length);
          // At the ends of most requests, and anywhere.
          const between = ends.filter((end, n) => end === text.length || joined[n] !== true);
          const at = [...between, ...cuts.map((cut) => Math.floor(cut * text.length))].toSorted((a, b) => a - b);
          const pieces = at.map((end, n) => text.slice(at[n - 1] ?? 0, end)).filter((piece) => piece !== "");
          const expected: string[] = [];
          for (const each of requests) expected.push(await aloneOf(each));
          assert.deepEqual(await exchange(port, pieces, requests.length), expected);
        },
      ),
      { numRuns: 150 },
    );
  });

  test("a client that reads no answers is held back, and gets each of them in turn once it reads", async (t) => {
    const { port } = await started(t);
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await new Promise((resolve) => socket.once("connect", resolve));
    let received = "";
    let count = 0;
    const total = 30_000;
    socket.pause();
    for (let n = 0; n < total; n += 1) socket.write(get(`/held/${n % 10}`));
    const done = new Promise<void>((resolve) => {
      socket.on("data", (chunk) => {
        received += chunk.toString("latin1");
        const bodies = received.split(/\{"of":"\/held\/(\d)"\}/);
        received = bodies.at(-1) ?? "";
        for (let n = 1; n < bodies.length; n += 2) assert.equal(bodies[n], String(count++ % 10));
        if (count === total) resolve();
      });
    });
    await exchange(port, [get("/held/1")], 1);
    socket.resume();
    await done;
    socket.destroy();
  });

  test("an answer that is waited for is written without Node's parser; what is waited for in vain goes there, said to be so", async (t) => {
    const { port, parsed } = await started(t);
    const paths = ["/held/1", "/stored/2", "/vain/3", "/stored/4", "/failing/5", "/held/6"];
    const sent = paths.map((path) => get(path));
    const together = await exchange(port, sent, sent.length, true);
    const node = ["GET /held/1", "repeated", "GET /vain/3 in vain", "repeated", "GET /failing/5 in vain", "repeated"];
    assert.deepEqual(parsed, node);
    const alone: string[] = [];
    for (const each of sent) alone.push(...(await exchange(port, [each], 1)));
    assert.deepEqual(together, alone);
  });

  for (const [what, sent] of [
    ["what comes after it is read", get("/held/3")],
    ["the server is closed", ""],
  ] as const) {
    test(`a request whose answer is waited for is Node's once ${what}`, async (t) => {
      const { port, parsed, close } = await started(t);
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      let received = "";
      const until = (text: RegExp): Promise<void> =>
        new Promise((resolve) => {
          socket.on("data", (chunk) => text.test((received += chunk.toString("latin1"))) && resolve());
        });
      socket.write(get("/held/1"));
      await until(/held\/1/);
      socket.write(get("/slow/2"));
      // It is looked for by now: the answer to another connection's request comes later.
      await exchange(port, [get("/held/9")], 1);
      parsed.length = 0;
      socket.write(sent);
      const closed = sent === "" ? close() : undefined;
      await until(sent === "" ? /slow\/2/ : /slow\/2.*held\/3/s);
      assert.equal(parsed[0], "GET /slow/2");
      socket.destroy();
      await closed;
    });
  }

  test("a request whose answer is waited for for too long is Node's", async (t) => {
    const { port, parsed } = await started(t);
    const answers = await exchange(port, [get("/held/1"), get("/slow/2")], 2, true);
    assert.match(answers[1] ?? "", /slow\/2/);
    assert.deepEqual(parsed, ["GET /held/1", "GET /slow/2"]);
  });

  test("a client that is gone before its answer was found is forgotten", async (t) => {
    const { port, parsed, server } = await started(t);
    for (const path of ["/stored/2", "/vain/2", "/slow/2"]) {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      socket.write(get("/held/1"));
      await new Promise((resolve) => socket.once("data", resolve));
      socket.write(get(path), "latin1", () => socket.resetAndDestroy());
      await exchange(port, [get("/held/9")], 1);
    }
    await new Promise((resolve) => setImmediate(resolve));
    const open = await new Promise((resolve) => server.getConnections((_, count) => resolve(count)));
    assert.equal(open, 0);
    assert.ok(!parsed.includes("GET /slow/2"), String(parsed));
  });

  test("a client that sends its last request and ends its side is answered", async (t) => {
    const { port, parsed } = await started(t);
    const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    let received = "";
    socket.on("data", (chunk) => (received += chunk.toString("latin1")));
    socket.write(get("/held/1"));
    await new Promise((resolve) => socket.once("data", resolve));
    const ended = new Promise((resolve) => socket.once("end", resolve));
    socket.end(get("/held/2"));
    await ended;
    assert.match(received, /"\/held\/1".*"\/held\/2"/s);
    assert.deepEqual(parsed, ["GET /held/1", "repeated"]);
  });

  test("a server that is being closed ends a connection whose requests were repeated, and answers none of them any more", async (t) => {
    const { port, close } = await started(t);
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const ended = new Promise((resolve) => socket.once("close", resolve));
    const answered = (): Promise<unknown> => new Promise((resolve) => socket.once("data", resolve));
    for (const path of ["/held/1", "/held/2", "/held/3"]) {
      const answer = answered();
      socket.write(get(path));
      await answer;
    }
    await close();
    await ended;
  });
});
