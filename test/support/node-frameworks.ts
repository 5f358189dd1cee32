import { createServer } from "node:http";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import formbody from "@fastify/formbody";
import express from "express";
import fastify from "fastify";
import type { FastifyInstance } from "fastify";
import { toNode } from "../../src/node/index.ts";
import type { WebHandler } from "../../src/node/index.ts";

/** How tests mount a handler; `path` is the path at which it is mounted. Each returns the server's URL. */
export type Mount = (t: TestContext, handler: WebHandler, path: string) => Promise<string>;

/** What Express 4, Express 5 and Connect have in common. */
export interface App extends RequestListener {
  set?(name: string, value: string): void;
  use(handler: unknown): void;
  use(path: string, handler: unknown): void;
}

type Next = (error?: unknown) => void;
type Middleware = (request: IncomingMessage, response: ServerResponse, next: Next) => void;

/** Express, with the parsers that come with it. */
interface Express {
  (): App;
  json(options?: object): Middleware;
  urlencoded(options: object): Middleware;
  text(options: object): Middleware;
  raw(options: object): Middleware;
}

const require = createRequire(import.meta.url);
// These have no types of their own.
export const express4 = require("express4") as Express;
export const connect = require("connect") as () => App;
export const express5: Express = express;

/** Listens on a free port until the test has ended. */
export async function listening(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A Fastify that listens on a free port until the test has ended. */
export async function fastifyListening(t: TestContext, app: FastifyInstance): Promise<string> {
  t.after(() => app.close());
  return app.listen({ port: 0, host: "127.0.0.1" });
}

function behind(makeApp: () => App, ...before: readonly Middleware[]): Mount {
  return (t, handler, path) => {
    const app = quiet(makeApp());
    for (const each of before) app.use(each);
    app.use(path, toNode(handler));
    return listening(t, app);
  };
}

/** Express prints errors that reach it, unless it is told that this is a test. */
export function quiet(app: App): App {
  app.set?.("env", "test");
  return app;
}

const forms = { extended: true };

/** Every framework, without a body parser, with one before the handler, and with one after it. */
export const mounts: Readonly<Record<string, Mount>> = {
  "node:http": (t, handler) => listening(t, toNode(handler)),
  Connect: behind(connect),
  "Connect, behind Express 4's body parsers": behind(connect, express4.json(), express4.urlencoded(forms)),
  "Express 5": behind(express5),
  "Express 5, behind its body parsers": behind(express5, express5.json(), express5.urlencoded(forms)),
  "Express 5, behind a parser for flat forms": behind(
    express5,
    express5.json(),
    express5.urlencoded({ extended: false }),
  ),
  "Express 5, behind a parser for text": behind(express5, express5.text({ type: "*/*" })),
  "Express 5, behind a parser for bytes": behind(express5, express5.raw({ type: "*/*" })),
  "Express 5, before its body parsers": (t, handler, path) => {
    const app = quiet(express5());
    app.use(path, toNode(handler));
    app.use(express5.json());
    app.use(express5.urlencoded(forms));
    return listening(t, app);
  },
  "Express 4": behind(express4),
  "Express 4, behind its body parsers": behind(express4, express4.json(), express4.urlencoded(forms)),
  "Fastify, with its parser for JSON and one for forms": async (t, handler, path) => {
    const app = fastify();
    await app.register(formbody);
    app.route({ method: ["GET", "HEAD", "POST", "OPTIONS"], url: path, handler: toNode(handler) });
    return fastifyListening(t, app);
  },
  "Fastify, without a body parser": async (t, handler, path) => {
    const app = fastify();
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", (_request, _payload, done) => done(null));
    app.route({ method: ["GET", "HEAD", "POST", "OPTIONS"], url: path, handler: toNode(handler) });
    return fastifyListening(t, app);
  },
};
