import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { cannotListen } from "../../src/core/listening.ts";

describe("a program that cannot listen", () => {
  const codes: readonly (readonly [string, RegExp, RegExp])[] = [
    ["EADDRINUSE", /look at PORT$/, /another program listens there: choose another port with --port, or 0/],
    ["EACCES", /look at PORT$/, /may not use that port: choose one of 1024 or more with --port/],
    ["EPERM", /look at PORT$/, /may not listen there/],
    ["EADDRNOTAVAIL", /look at HOST$/, /no network interface.*--host/],
    ["EAFNOSUPPORT", /look at HOST$/, /no addresses of that kind.*--host/],
    ["ENOTFOUND", /look at HOST$/, /nobody knows a host of that name.*--host/],
    ["EAI_AGAIN", /look at HOST$/, /no name server answers.*--host/],
    ["EIO", /look at HOST$/, /the system does not allow it.*--host and --port/],
  ];
  for (const [code, message, hint] of codes) {
    test(`a program that cannot listen says which setting to change, and why: ${code}`, () => {
      const error = cannotListen("::1", 80, { code, message: "x" });
      assert.equal(error.code, "configuration_invalid");
      assert.ok(error.message.startsWith(`cannot listen on [::1]:80 (${code})`), error.message);
      assert.match(error.message, message);
      assert.match(error.hint, hint);
    });
  }

  test("a program that cannot listen names its flag where it has no variable", () => {
    const error = cannotListen("127.0.0.1", 80, { code: "EACCES", message: "x" }, { port: { flag: "--standin-port" } });
    assert.equal(error.message, "cannot listen on 127.0.0.1:80 (EACCES)");
    assert.match(error.hint, /--standin-port/);
  });
});
