import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { describe, test } from "node:test";
import fc from "fast-check";
import { pino } from "pino";
import type { Logger } from "pino";
import { OnbehalfError } from "../../src/index.ts";
import { loggedError } from "../../src/core/logged-error.ts";
import { faultLogger, lineLimit } from "../../src/service/error-log.ts";
import { warn } from "../../src/vault/context.ts";
import { eventLogger } from "../../src/service/log.ts";
import { fromFaultMessage, toFaultMessage } from "../../src/keeper-process/messages.ts";
import { failureOf } from "../../src/cli/terminal/failure.ts";

/** A log in memory. */
function memoryLog(): { readonly logger: Logger; readonly text: () => string } {
  const lines: string[] = [];
  const to = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  return { logger: pino({ base: null, level: "debug" }, to), text: () => lines.join("") };
}

const thrown = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error;
  }
};

/** Everything that a process would print of the warnings that `act` emits. */
function warningsOf(act: () => void): string {
  const said: string[] = [];
  const { emitWarning } = process;
  process.emitWarning = (...all: unknown[]) => void said.push(JSON.stringify(all));
  try {
    act();
  } finally {
    process.emitWarning = emitWarning;
  }
  assert.match(said.join(""), /unexpected error during a request/);
  return said.join("");
}

/** Errors that have what was sent somewhere in them, as programs and libraries make them. */
const errorsOver: Readonly<Record<string, (canary: string) => unknown>> = {
  "a URL that does not parse": (canary) => thrown(() => new URL(`http://a.1/authcode?authCode=${canary}`)),
  "JSON that does not parse": (canary) => thrown(() => JSON.parse(`{"authCode": ${canary}`)),
  "a header that cannot be sent": (canary) => thrown(() => new Headers({ authorization: `Bearer ${canary}\n` })),
  "a name that is none": (canary) => thrown(() => (undefined as unknown as Record<string, unknown>)[canary]),
  "a message": (canary) => new Error(`failed for ${canary}`),
  "a message that looks like frames": (canary) => new Error(`x\n    at ${canary} (file:///${canary}.ts:1:1)`),
  "a message that was changed": (canary) => Object.assign(new Error(canary), { message: "changed" }),
  "a name": (canary) => Object.assign(new Error("failed"), { name: canary }),
  "a code": (canary) => Object.assign(new Error("failed"), { code: canary, syscall: canary }),
  "a property": (canary) => Object.assign(new Error("failed"), { input: canary, config: { headers: { canary } } }),
  "a cause": (canary) => new Error("failed", { cause: new Error(canary, { cause: { canary } }) }),
  "a cause that is no error": (canary) => new Error("failed", { cause: canary }),
  "several errors in one": (canary) => new AggregateError([new Error(canary)], canary),
  "a stack": (canary) => Object.assign(new Error("failed"), { stack: `Error: ${canary}\n${canary}` }),
  "a stack that is no text": (canary) => Object.assign(new Error("failed"), { stack: { canary } }),
  "no error": (canary) => canary,
  "an object": (canary) => ({ canary, toString: () => canary, toJSON: () => canary }),
  "an error of ours with a cause": (canary) =>
    new OnbehalfError("internal_error", "it failed", { hint: "look", details: {}, cause: new Error(canary) }),
};

/** What somebody might send: long enough that it is not found by chance. */
const canaries = fc.oneof(
  fc.stringMatching(/^canary[A-Za-z0-9_-]{10,60}$/),
  fc.stringMatching(/^4\/0canary[A-Za-z0-9_-]{10,60}$/),
  fc.stringMatching(/^ya29\.canary[A-Za-z0-9_.-]{10,60}$/),
  fc.string({ minLength: 4, maxLength: 20 }).map((text) => `canary\u001b]8;;${text}canary`),
);

describe("what is logged of an error", () => {
  for (const [name, make] of Object.entries(errorsOver)) {
    test(`the log of an error never has what somebody sent: in ${name}`, () => {
      fc.assert(
        fc.property(canaries, (canary) => {
          const { logger, text } = memoryLog();
          const error = make(canary);
          faultLogger(logger)(error, "a request");
          faultLogger(logger)(fromFaultMessage(toFaultMessage(error)), "a request (keeper)");
          const said = `${text()}${failureOf(error).lines.join("\n")}${warningsOf(() => warn(error, "a request"))}`;
          assert.match(said, /"msg":"fault"/);
          assert.doesNotMatch(said, /canary/, `${canary} in ${said}`);
        }),
        { numRuns: 50 },
      );
    });
  }

  test("the log of an error has its name, code and the place where it was thrown", () => {
    const error = thrown(() => new URL("http://a.1/"));
    const { name, code, stack = "" } = loggedError(error);
    assert.deepEqual([name, code], ["TypeError", "ERR_INVALID_URL"]);
    assert.match(stack, /^TypeError\n {4}at new URL \(node:.*\n {4}at .*error-log\.test\.ts:\d+:\d+/);
    const ours = new OnbehalfError("store_unusable", "the store is damaged", { hint: "restore", details: {} });
    assert.deepEqual([loggedError(ours).code, loggedError(ours).message], ["store_unusable", "the store is damaged"]);
  });
});

describe("how often something is logged", () => {
  test("a flood of faults writes so many lines a minute, and says how many it left out", () => {
    let now = 0;
    const { logger, text } = memoryLog();
    const log = faultLogger(logger, { now: () => now });
    for (let at = 0; at < 100_000; at += 1) log(new Error("x"), "a request");
    assert.equal(text().split("\n").length - 1, 60);
    log(new Error("x"), "the sweep");
    assert.equal(text().split("\n").length - 1, 61, "another part of the program has lines of its own");
    now += 60_000;
    log(new Error("x"), "a request");
    assert.match(text().trimEnd().split("\n").at(-1) ?? "", /"omitted":99940/);
    now -= 3_600_000;
    log(new Error("x"), "a request");
    assert.equal(text().split("\n").length - 1, 63, "a clock that was set back silences nothing");
  });

  test("a flood of codes that are none writes so many lines a minute, and other events are all written", () => {
    let now = 0;
    const { logger, text } = memoryLog();
    const log = eventLogger(logger, { now: () => now });
    const rejected = { type: "code_rejected", provider: "google", error: "invalid_grant" } as never;
    const stored = { type: "store_failed", during: "x", message: "y" } as const;
    for (let at = 0; at < 1_000; at += 1) {
      log(rejected);
      log(stored);
    }
    const count = (word: string): number => text().split(word).length - 1;
    assert.deepEqual([count("code_rejected"), count("store_failed")], [60, 1_000]);
    now += 60_000;
    log(rejected);
    assert.match(text(), /"omitted":940/);
  });

  test("the number of kinds that are counted has a bound", () => {
    const admit = lineLimit(() => 0);
    for (let at = 0; at < 10_000; at += 1) assert.equal(admit(`kind ${at}`), 0);
  });
});
