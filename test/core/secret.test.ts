import assert from "node:assert/strict";
import { serialize } from "node:v8";
import { describe, test } from "node:test";
import { Console } from "node:console";
import { Writable } from "node:stream";
import { format, inspect } from "node:util";
import * as fc from "fast-check";
import { Secret } from "../../src/core/secret.ts";

const canary = "ya29.canary-that-must-not-be-seen";
const secret = new Secret(canary);
/** The same secret, typed as a string: the compiler would refuse the conversions below otherwise. */
const disguised = secret as unknown as string;

/** What a console prints. */
function printed(print: (console: Console) => void): string {
  let text = "";
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  print(new Console({ stdout }));
  return text;
}

function stackOf(error: Error): string {
  return `${error.stack} ${String(error)} ${inspect(error, { showHidden: true })}`;
}

/** Every way in which a value becomes text by accident. */
const ways: Readonly<Record<string, () => string>> = {
  "String()": () => String(secret),
  "a template": () => `Bearer ${disguised}`,
  "an addition": () => "Bearer " + disguised,
  "toLocaleString()": () => secret.toLocaleString(),
  JSON: () => JSON.stringify(secret),
  "JSON, nested": () => JSON.stringify({ grant: { tokens: [secret] } }),
  inspect: () => inspect(secret),
  "inspect, deep and hidden": () =>
    inspect({ a: [{ b: new Map([["c", secret]]) }] }, { depth: null, showHidden: true }),
  "inspect without custom inspection": () => inspect(secret, { customInspect: false, showHidden: true, getters: true }),
  "%s": () => format("%s", secret),
  "%o": () => format("%o", secret),
  "%O": () => format("%O", { secret }),
  "%j": () => format("%j", { secret }),
  "%d": () => format("%d", secret),
  "%i and %f": () => format("%i %f", secret, secret),
  "console.log": () => printed((console) => console.log("token", secret, [secret], { secret })),
  "console.dir": () => printed((console) => console.dir({ secret }, { showHidden: true, depth: null })),
  "console.table": () => printed((console) => console.table([{ secret }])),
  "an error's message": () => stackOf(new Error(`failed with ${disguised}`)),
  "an error's cause": () => stackOf(new Error("failed", { cause: secret })),
  "a cause's cause": () => stackOf(new Error("failed", { cause: new Error("deeper", { cause: { secret } }) })),
  "an error's own property": () => stackOf(Object.assign(new Error("failed"), { secret })),
  "its members": () =>
    JSON.stringify([Object.keys(secret), Object.getOwnPropertyNames(secret), Object.assign({}, secret)]),
  structuredClone: () => inspect(structuredClone(secret), { showHidden: true }),
  serialize: () => serialize({ secret }).toString("latin1"),
  "a URL": () => new URL(`https://example.com/?token=${disguised}`).href,
  "a form": () => new URLSearchParams({ token: disguised }).toString(),
  "an assertion": () => {
    try {
      assert.deepEqual({ secret }, { secret: "something else" });
    } catch (error) {
      return stackOf(error as Error);
    }
    return assert.fail("a secret equals a string");
  },
};

describe("Secret", () => {
  test("Secret hands its value out by expose() alone", () => {
    assert.equal(secret.expose(), canary);
    fc.assert(fc.property(fc.string(), (value) => assert.equal(new Secret(value).expose(), value)));
  });

  for (const [way, print] of Object.entries(ways)) {
    test(`Secret does not print by ${way}`, () => {
      const text = print();
      assert.ok(!text.includes("canary"), text);
      assert.ok(!text.includes(Buffer.from(canary).toString("base64").slice(4, 20)), text);
    });
  }

  test("Secret says that something was there", () => {
    for (const way of ["String()", "a template", "inspect", "%s", "%O", "JSON", "console.log", "an error's cause"]) {
      assert.match(ways[way]?.() ?? "", /\[secret\]/, way);
    }
  });

  test("Secret does not tell how long it is", () => {
    for (const print of [String, inspect, (value: unknown) => JSON.stringify(value)]) {
      assert.equal(print(new Secret("")), print(new Secret("x".repeat(500))));
    }
  });
});
