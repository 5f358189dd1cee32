/** A server, a pooler or a certificate that repeats secrets in its words: no error of ours may have one. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { inspect } from "node:util";
import { failureOf } from "../../../src/cli/terminal/failure.ts";
import { loggedError } from "../../../src/core/logged-error.ts";
import { problemResponse } from "../../../src/index.ts";
import { toErrorMessage } from "../../../src/keeper-process/messages.ts";
import { isOnbehalfError } from "../../../src/core/errors.ts";
import { postgres } from "../../../src/store/postgres/index.ts";
import { postgresFailure } from "../../../src/store/postgres/failure.ts";
import { SecretPlanter, findPlanted, secretKinds } from "../../support/planted-secrets.ts";

const planter = new SecretPlanter();
const any = (): string => planter.plant(secretKinds[planter.planted % secretKinds.length] ?? "opaque");

/** Everything that anybody could print of an error. */
async function saidOf(error: unknown): Promise<string> {
  const lines = [inspect(error, { depth: 20, showHidden: true, maxStringLength: null }), JSON.stringify(error)];
  if (error instanceof Error) lines.push(String(error), error.stack ?? "", inspect(error.cause, { depth: 20 }));
  if (isOnbehalfError(error)) lines.push(JSON.stringify(toErrorMessage(error)));
  lines.push(
    JSON.stringify(loggedError(error)),
    failureOf(error).lines.join("\n"),
    await problemResponse(error).text(),
  );
  return lines.join("\n");
}

/** An ErrorResponse with each field that there is. */
function errorResponse(state: string): Buffer {
  const words = (): string => `the value "${any()}" of ${any()}`;
  const fields: Record<string, string> = { S: "FATAL", V: "FATAL", C: state, M: words(), D: words(), H: words() };
  for (const field of "pPqWsctnFLR") fields[field] = words();
  const body = Buffer.from(
    `${Object.entries(fields)
      .map(([name, text]) => `${name}${text}\0`)
      .join("")}\0`,
  );
  const head = Buffer.alloc(5);
  head.write("E");
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

async function talkativeServer(t: TestContext, answer: () => Buffer): Promise<number> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end(answer()));
  }).listen(0, "127.0.0.1");
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Of each kind of verdict some. */
const states = [
  "28P01",
  "28000",
  "3D000",
  "57P03",
  "53300",
  "08P01",
  "XX000",
  "42501",
  "25006",
  "22021",
  "P0001",
  "0A000",
];

describe("a database that repeats secrets in its words", () => {
  for (const state of states) {
    test(`a database that repeats secrets in its words has none of them in an error: ${state} at the log-in`, async (t) => {
      const port = await talkativeServer(t, () => errorResponse(state));
      const password = encodeURIComponent(any());
      const store = postgres(
        `postgres://user:${password}@127.0.0.1:${port}/db?sslmode=disable&application_name=${password}`,
      );
      t.after(() => store.close());
      const error: unknown = await store.open({}).catch((thrown: unknown) => thrown);
      assert.ok(isOnbehalfError(error), inspect(error));
      assert.equal(findPlanted(await saidOf(error)), undefined);
    });
  }

  for (const state of states) {
    test(`a database that repeats secrets in its words has none of them in an error: ${state} at a statement`, async () => {
      const said = Object.assign(new Error(`value "${any()}" violates ${any()}`), {
        severity: "ERROR",
        code: state,
        detail: `Failing row contains (${any()}, ${any()}).`,
        where: any(),
        hint: any(),
        internalQuery: any(),
        table: any(),
        constraint: any(),
      });
      const error = postgresFailure(said, "postgres://db.example/onbehalf");
      // What is wrong with a statement is a bug of ours, and told without its words wherever errors are told.
      const lines =
        error === said ? failureOf(error).lines.join() + JSON.stringify(loggedError(error)) : await saidOf(error);
      assert.equal(findPlanted(lines), undefined);
    });
  }

  for (const [what, error] of [
    [
      "a certificate's names",
      { code: "ERR_TLS_CERT_ALTNAME_INVALID", reason: any(), host: any(), cert: { subject: any() } },
    ],
    ["a certificate's issuer", { code: "SELF_SIGNED_CERT_IN_CHAIN", cert: { issuer: { O: any() } } }],
    ["no code", {}],
    ["a code that is none", { code: any(), syscall: any(), address: any() }],
  ] as const) {
    test(`a connection that fails has no secret of its words in the error: ${what}`, async () => {
      const thrown = Object.assign(new Error(`Host: ${any()}. is not in the cert's altnames: DNS:${any()}`), error);
      assert.equal(
        findPlanted(await saidOf(postgresFailure(thrown, "postgres://db.example/onbehalf", "connection"))),
        undefined,
      );
    });
  }

  test("a database's plain words are told, so that an operator can find out what they mean", () => {
    const said = Object.assign(new Error("Tenant or user not found"), { severity: "FATAL", code: "XX000" });
    assert.match(String(postgresFailure(said, "postgres://db.example/onbehalf")), /Tenant or user not found \(XX000\)/);
  });
});
