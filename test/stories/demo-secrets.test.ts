import assert from "node:assert/strict";
import { readFile, readdir, stat } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { test } from "node:test";
import { Demo, usualScope, xhr } from "../support/demo.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** What secrets look like: a test never sees some of them, above all refresh tokens. */
const shapes = [
  /1\/\/0[\w-]{12,}/,
  /ya29\.[\w-]{12,}/,
  /4\/0A[\w-]{12,}/,
  /GOCSPX-[\w-]+/,
  /obk_[\w]{40,}/,
  /obm_[\w-]{40,}/,
];

/** Where a value could stand: as it is, or in an encoding that text is commonly stored in. */
function secretEncodings(value: string): string[] {
  const bytes = Buffer.from(value);
  return [value, bytes.toString("base64").replace(/=+$/, ""), bytes.toString("hex"), encodeURIComponent(value)];
}

test("no token, code, client secret or caller key stands in files, logs, error bodies or the page", async (t) => {
  const folder = await temporaryFolder(t);
  const demo = await Demo.start({ args: ["--port", "0", "--standin-port", "0", "--data", folder] });
  t.after(() => demo.stop());
  const page = demo.page.replace(/\/$/, "");
  const secrets = new Map<string, string>([
    ["client secret", "GOCSPX-standin-secret"],
    ["caller key", demo.callerKey],
    ["caller key's secret part", demo.callerKey.split("_")[2] ?? ""],
  ]);

  // Everything that can go right and wrong; each secret on the way is remembered.
  const seen = async (email: string, more = {}): Promise<string> => {
    const authCode = await demo.code(email, more);
    secrets.set(`code of ${email}`, authCode);
    await demo.authCode({ authCode }, {});
    const { body } = await demo.authCode({ authCode, scope: usualScope });
    await demo.advance(120);
    await demo.authCode({ authCode });
    await demo.authCode({ authCode: encodeURIComponent(encodeURIComponent(authCode)) });
    return String(body["grant_id"]);
  };
  const token = async (grant: string, query = ""): Promise<void> => {
    const { body } = await demo.token(grant, query);
    if (typeof body["access_token"] === "string") secrets.set(`access token ${secrets.size}`, body["access_token"]);
  };
  const ada = await seen("ada@example.com");
  const carl = await seen("carl@example.com", { access_type: "online", granted_scopes: "openid email profile" });
  await token(ada);
  await token(carl);
  await demo.call(`/v1/grants/${carl}/proxy/www.googleapis.com/drive/v3/files/appfolder`);
  await demo.call(`/v1/grants/${ada}/proxy/evil.example/steal`);
  for (const fault of [
    { status: 401, body: { error: "invalid_client" } },
    { status: 400, body: { error: "invalid_scope", error_description: "quotes refresh_token=1//0" } },
    { invalid_json: true },
    { drop: true },
  ]) {
    await demo.control("faults", { path: "/token", method: "POST", times: "always", ...fault });
    await demo.advance(3_700);
    await token(ada);
    await demo.request(`${demo.standin}/standin/faults`, { method: "DELETE" });
    await demo.advance(900);
    await token(ada);
  }
  const wrongKey = demo.callerKey.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
  await demo.request(`${demo.service}/v1/grants`, { headers: { authorization: `Bearer ${wrongKey}` } });
  await demo.request(`${demo.service}/v1/grants/${demo.callerKey}`);
  await demo.request(`${demo.service}/demo/files`, {
    method: "POST",
    headers: xhr,
    body: new URLSearchParams({ grant: ada, name: "note.txt", text: "quiet night" }),
  });
  await demo.control("revoke", { email: "ada@example.com" });
  await demo.advance(3_700);
  await token(ada);
  await demo.call(`/v1/grants/${carl}`, { method: "DELETE" });
  assert.ok(secrets.size >= 8, `only ${secrets.size} secrets were seen`);
  assert.ok(demo.refusals.length >= 12, `only ${demo.refusals.length} refusals were seen`);

  const index = await (await fetch(demo.page)).text();
  const files = [...index.matchAll(/"(\/demo\/page\/[\w.-]+)"/g)].map(([, path]) => path ?? "");
  const scripts = await Promise.all([...files, "/demo/state"].map(async (path) => (await fetch(page + path)).text()));
  // The page's commands read the caller's key from a file of its own, which nobody else may read and which goes with the demo.
  const keyFile = String(demo.ready["caller_key_file"]);
  assert.equal(await readFile(keyFile, "utf8"), `${demo.callerKey}\n`);
  if (process.platform !== "win32") assert.equal((await stat(keyFile)).mode & 0o777, 0o600);
  const running = (await stored(folder)).filter(([name]) => name !== basename(keyFile));
  assert.equal(await demo.stop(), 0);
  assert.ok(!(await readdir(folder)).includes(basename(keyFile)), "the caller key's file outlives the demo");
  const { stdout, stderr } = demo.output;
  assert.notEqual(stderr, "", "nothing was logged, so nothing was looked at");
  const places: readonly (readonly [string, string])[] = [
    ["the error bodies", demo.refusals.join("\n")],
    ["the page", [index, ...scripts].join("\n")],
    ["stdout", stdout.replace(demo.callerKey, "")],
    ["stderr", stderr],
    ...running.map(([name, text]) => [`${name}, while it ran`, text] as const),
    ...(await stored(folder)),
  ];
  for (const [place, text] of places) {
    for (const [name, value] of secrets) {
      for (const encoded of secretEncodings(value)) assert.ok(!text.includes(encoded), `${name} stands in ${place}`);
    }
    for (const shape of shapes) {
      const found = shape.exec(text);
      // A file of sealed bytes may look like anything for a moment; text may not.
      assert.ok(found === null, `${place} holds what looks like a secret: ${found?.[0].slice(0, 9) ?? ""}…`);
    }
  }
  assert.ok(places.some(([name]) => name.endsWith("onbehalf.db")));
});

/** The folder's files but the key's own, byte for byte. */
async function stored(folder: string): Promise<(readonly [string, string])[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile() && entry.name !== "master.key")
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  return Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), "latin1")] as const));
}
