import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { describe, test } from "node:test";
import { readFileSync } from "node:fs";
import { pino } from "pino";
import { eventLogger } from "../../../src/service/log.ts";
import { logNames, readLogLevels } from "../../../src/service/settings/log-levels.ts";
import type { LogLevels } from "../../../src/service/settings/log-levels.ts";

const read = (text: string): LogLevels & { problems: string[] } => {
  const problems: string[] = [];
  return { ...readLogLevels(text, "LEVEL", problems), problems };
};

describe("log levels by name", () => {
  test("a level alone is of everything, and parts have others by their names, in any order", () => {
    assert.deepEqual(read("warn"), { level: "warn", ofNames: {}, problems: [] });
    const both = { level: "error", ofNames: { webhooks: "debug", codes: "silent" }, problems: [] };
    assert.deepEqual(read("error,webhooks=debug,codes=silent"), both);
    assert.deepEqual(read(" codes = silent , error,webhooks=debug "), both);
    assert.deepEqual(read("refresh=debug"), { level: "info", ofNames: { refresh: "debug" }, problems: [] });
  });

  test("a name that is none is refused with the list of those that there are, and so is a level", () => {
    for (const [text, says] of [
      ["info,keper=debug", /codes, refresh, providers/],
      ["info,WEBHOOKS=debug", /codes, refresh/],
      ["info,=debug", /codes, refresh/],
      ["loud", /debug, info, warn/],
      ["info,codes=loud", /debug, info, warn/],
      ["info,codes", /debug, info, warn/],
      ["info,", /debug, info, warn/],
      ["", /debug, info, warn/],
      ["info,codes=info=warn", /debug, info, warn/],
      ["info,warn", /one level without a name/],
      ["codes=info,codes=warn", /codes once/],
    ] as const) {
      const { problems } = read(text);
      assert.equal(problems.length, 1, text);
      assert.match(problems[0] ?? "", says, text);
      assert.ok(problems[0]?.startsWith("LEVEL "), text);
    }
  });

  test("events of a part are written by its level, and the others by that of the log", () => {
    const written: string[] = [];
    const out = new Writable({
      write(chunk: Buffer, _encoding, done) {
        written.push((JSON.parse(chunk.toString()) as { msg: string }).msg);
        done();
      },
    });
    const { level, ofNames } = read("warn,refresh=debug,codes=silent");
    const log = eventLogger(pino({ level, base: null }, out), undefined, ofNames);
    log({ type: "refreshed", grantId: "g_1", provider: "google", generation: 2 });
    log({ type: "code_reused", provider: "google" });
    log({ type: "revoked", grantId: "g_1", provider: "google", siblings: [] });
    log({ type: "revocation_waits", grantId: "g_1", provider: "google", error: "timeout" });
    assert.deepEqual(written, ["refreshed", "revocation_waits"]);
  });

  test("docs/operations.md names the parts of the log", () => {
    const page = readFileSync(new URL("../../../docs/operations.md", import.meta.url), "utf8");
    const rows = [...page.matchAll(/^\| `(\w+)`\s+\| events about /gm)].map(([, name]) => name);
    assert.deepEqual(rows, [...logNames]);
  });
});
