import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import { openerFor } from "../../src/cli/demo/open-browser.ts";
import { Demo, demoThatEnds } from "../support/demo.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const anyPorts = ["--port", "0", "--standin-port", "0"];

describe("the demo as a process", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`the demo's process ends with exit code 0 on ${signal}, and its temporary folder is gone`, async (t) => {
      const tmp = await temporaryFolder(t);
      await using demo = await Demo.start({ env: { TMPDIR: tmp, TEMP: tmp, TMP: tmp } });
      const [made, ...others] = (await readdir(tmp)).filter((name) => name.startsWith("onbehalf-demo-"));
      assert.ok(made !== undefined);
      assert.deepEqual(others, []);
      assert.ok((await readdir(join(tmp, made))).includes("onbehalf.db"));
      // A page that is open keeps a connection open.
      await demo.request(`${demo.service}/demo/state`);
      const counters = await demo.request(`${String(demo.ready["metrics"])}/metrics`);
      assert.match(String(counters.body["text"]), /^# TYPE onbehalf_http_requests_total counter$/m);
      assert.equal(await demo.stop(signal), 0);
      assert.match(demo.output.stderr, new RegExp(`${signal}: the demo ends`));
      assert.match(demo.output.stderr, /stopped, and its data is removed/);
      assert.deepEqual(
        (await readdir(tmp)).filter((name) => name.startsWith("onbehalf-demo-")),
        [],
      );
    });
  }

  test("the demo's process: a folder of one's own is kept and used again: same key, same grants, another caller key", async (t) => {
    const folder = join(await temporaryFolder(t), "made", "when needed");
    const args = [...anyPorts, "--data", folder];
    const first = await Demo.start({ args });
    t.after(() => first.stop());
    const { grant_id: grantId } = await first.signIn("ada@example.com");
    assert.equal(await first.stop(), 0);
    const key = await readFile(join(folder, "master.key"), "utf8");
    assert.match(key, /^obm_/);
    if (process.platform !== "win32") assert.equal((await stat(join(folder, "master.key"))).mode & 0o777, 0o600);

    await using second = await Demo.start({ args });
    assert.equal(await readFile(join(folder, "master.key"), "utf8"), key);
    assert.equal((await second.call(`/v1/grants/${String(grantId)}`)).status, 200);
    assert.notEqual(second.callerKey, first.callerKey);
    const headers = { authorization: `Bearer ${first.callerKey}` };
    assert.equal((await second.request(`${second.service}/v1/grants`, { headers })).status, 401);
  });

  test("the demo's process: a key of a run that was killed ends with the next start, and that of one that runs goes on", async (t) => {
    const folder = await temporaryFolder(t);
    const args = [...anyPorts, "--data", folder];
    const keyFiles = async (): Promise<string[]> => (await readdir(folder)).filter((name) => name.startsWith("demo-"));
    const killed = await Demo.start({ args });
    await killed.stop("SIGKILL");
    await using running = await Demo.start({ args });
    assert.deepEqual(await keyFiles(), [basename(String(running.ready["caller_key_file"]))]);
    const headers = { authorization: `Bearer ${killed.callerKey}` };
    assert.equal((await running.request(`${running.service}/v1/grants`, { headers })).status, 401);

    const second = await Demo.start({ args });
    assert.equal((await keyFiles()).length, 2);
    assert.equal((await running.call("/v1/grants")).status, 200);
    assert.equal(await second.stop(), 0);
    assert.equal((await running.call("/v1/grants")).status, 200);
    assert.equal((await keyFiles()).length, 1);
  });

  test("the demo's process: a database without its key: refused, and no new key is made", async (t) => {
    const folder = await temporaryFolder(t);
    await (await Demo.start({ args: [...anyPorts, "--data", folder] })).stop();
    await rm(join(folder, "master.key"));
    const { code, stderr } = await demoThatEnds([...anyPorts, "--data", folder]);
    assert.equal(code, 1);
    assert.match(stderr, /key_invalid/);
    assert.ok(!(await readdir(folder)).includes("master.key"));
  });

  test("the demo's process: a damaged key: refused with what to do", async (t) => {
    const folder = await temporaryFolder(t);
    await writeFile(join(folder, "master.key"), "obm_cut");
    const { code, stderr } = await demoThatEnds([...anyPorts, "--data", folder]);
    assert.equal(code, 1);
    assert.match(stderr, /malformed or a damaged copy/);
  });

  test("the demo's process: a folder that cannot be one: refused, with the flag that chooses another", async (t) => {
    const file = join(await temporaryFolder(t), "a-file");
    await writeFile(file, "");
    for (const folder of [file, join(file, "below")]) {
      const { code, stderr } = await demoThatEnds([...anyPorts, "--data", folder]);
      assert.equal(code, 1);
      assert.match(stderr, /cannot be made or written \((?:EEXIST|ENOTDIR)\)/);
      assert.match(stderr, /hint: .*--data/);
    }
  });

  test("the demo's process: a database that is none: refused as one, and the folder is kept", async (t) => {
    const folder = await temporaryFolder(t);
    await (await Demo.start({ args: [...anyPorts, "--data", folder] })).stop();
    await writeFile(
      join(folder, "onbehalf.db"),
      "this is no database, and long enough to be looked at as one".repeat(99),
    );
    const { code, stderr } = await demoThatEnds([...anyPorts, "--data", folder]);
    assert.equal(code, 1);
    assert.match(stderr, /store_unusable/);
    assert.ok((await readdir(folder)).includes("master.key"));
  });

  for (const [what, does, says] of [
    ["an error that nothing catches", 'throw new RangeError("a slip of somebody")', /RangeError\n.* at /],
    ["a rejection that nothing catches", 'void Promise.reject(new RangeError("a slip"))', /RangeError\n.* at /],
    ["its stand-in ends", "servers[0].close(); servers[0].closeAllConnections()", /its stand-in no longer listens/],
    ["its service ends", "servers[1].close(); servers[1].closeAllConnections()", /its service no longer listens/],
  ] as const) {
    test(`the demo's process: ${what}: it says so, cleans up, and ends with exit code 1`, async (t) => {
      const tmp = await temporaryFolder(t);
      const watch = join(tmp, "watch.mjs");
      await writeFile(
        watch,
        `import { Server } from "node:http";
         const servers = [];
         const listen = Server.prototype.listen;
         Server.prototype.listen = function (...given) { servers.push(this); return listen.apply(this, given); };
         process.on("SIGUSR2", () => { ${does}; });`,
      );
      await using demo = await Demo.start({
        env: { TMPDIR: tmp, TEMP: tmp, TMP: tmp, NODE_OPTIONS: `--import=file://${watch}` },
      });
      assert.equal(await demo.stop("SIGUSR2"), 1);
      assert.match(demo.output.stderr, says);
      assert.deepEqual(
        (await readdir(tmp)).filter((name) => name.startsWith("onbehalf-demo-")),
        [],
      );
    });
  }

  test("the demo's process: a port that was asked for and is taken: said, with the flag that chooses another", async (t) => {
    const taken = String(await takenPort(t, 0));
    for (const args of [
      ["--port", taken, "--standin-port", "0"],
      ["--port", "0", "--standin-port", taken],
    ]) {
      const { code, stderr } = await demoThatEnds(args);
      assert.equal(code, 1);
      assert.match(stderr, new RegExp(`another program uses port ${taken}`));
      assert.match(stderr, new RegExp(`hint: .*${args.indexOf(taken) === 1 ? "--port" : "--standin-port"}`));
    }
  });

  test("the demo's process: the usual ports are taken: it starts on others, and says so", async (t) => {
    await takenPort(t, 8787);
    await takenPort(t, 4600);
    await using demo = await Demo.start({ args: [] });
    assert.notEqual(new URL(demo.service).port, "8787");
    assert.notEqual(new URL(demo.standin).port, "4600");
    assert.match(
      demo.output.stderr,
      /another program uses port 8787, so the demo takes a free one; choose one with --port/,
    );
    assert.match(demo.output.stderr, /another program uses port 4600/);
  });

  test("the demo's process: a port that is none is wrong usage", async () => {
    for (const port of ["70000", "-1", "web"]) {
      const { code, stderr } = await demoThatEnds(["--port", port]);
      assert.equal(code, 2);
      assert.match(stderr, /--port/);
    }
  });
});

test("a browser is opened where there is somebody to see it", () => {
  const cases: readonly (readonly [NodeJS.Platform, Record<string, string>, string | undefined])[] = [
    ["darwin", {}, "open"],
    ["win32", {}, "rundll32"],
    ["linux", { DISPLAY: ":0" }, "xdg-open"],
    ["linux", { WAYLAND_DISPLAY: "wayland-0" }, "xdg-open"],
    ["linux", {}, undefined],
    ["linux", { DISPLAY: ":0", CI: "true" }, undefined],
    ["darwin", { CI: "1" }, undefined],
    ["darwin", { CI: "" }, "open"],
  ];
  for (const [platform, environment, program] of cases) assert.equal(openerFor(platform, environment)?.[0], program);
});

/** Takes a port for the length of a test. When another program has it already, the test works as well. */
async function takenPort(t: { after(done: () => Promise<void>): void }, port: number): Promise<number> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch {
    return port;
  }
  t.after(async () => {
    server.close();
    await once(server, "close");
  });
  return (server.address() as AddressInfo).port;
}
