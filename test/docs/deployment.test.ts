import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { program } from "../../src/cli/program.ts";
import { settingNames } from "../../src/service/settings/settings.ts";
import { authority, certificate, certificateKey } from "../support/certificates.ts";
import { checkout } from "../support/checkout-bin.ts";
import { eventually } from "../support/eventually.ts";
import { needsProgram } from "../support/installed-programs.ts";
import { freePort } from "../support/free-port.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testService } from "../support/test-service.ts";
import { blocksFor } from "./block-runners.ts";
import type { RunnerName } from "./block-runners.ts";

const host = "vault.example.com";

function blockIn(name: RunnerName, language: string): string {
  const found = blocksFor(name).filter((block) => block.language === language);
  assert.equal(found.length, 1, `one block in ${language}`);
  return found[0]?.text ?? "";
}

test("docs/deployment.md: systemd finds nothing wrong with the unit", needsProgram("systemd-analyze"), async (t) => {
  const folder = await temporaryFolder(t);
  for (const { text } of blocksFor("deployment, unit")) {
    const unit = join(folder, "onbehalf.service");
    // It is not installed here.
    await writeFile(unit, text.replace("/usr/local/bin/onbehalf", "/bin/true"));
    const { status, stderr } = spawnSync("/usr/bin/systemd-analyze", ["verify", "--man=no", unit], {
      encoding: "utf8",
    });
    assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
    assert.deepEqual(unknownSettings(text), []);
  }
});

/** Names that look like our settings and are none. */
function unknownSettings(text: string): string[] {
  const known = new Set<string>(Object.values(settingNames));
  return [...text.matchAll(/\bONBEHALF_\w+/g)].map(([name]) => name).filter((name) => !known.has(name));
}

interface Compose {
  readonly services: Readonly<Record<string, Container>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

interface Container {
  readonly stop_grace_period: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly volumes: readonly string[];
  readonly secrets: readonly string[];
  readonly ports: readonly string[];
}

describe("docs/deployment.md: the container", () => {
  const dockerfile = blockIn("deployment, container", "dockerfile");
  const instructions = dockerfile
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => /^([A-Z]+) (.+)$/.exec(line) ?? assert.fail(`no instruction: ${line}`))
    .map(([, name = "", rest = ""]) => ({ name, rest }));
  const restOf = (name: string): string[] => instructions.filter((each) => each.name === name).map(({ rest }) => rest);
  const variables = new Map(
    restOf("ENV")
      .flatMap((rest) => rest.split(" "))
      .map((pair): [string, string] => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
  );

  test("docs/deployment.md: the image has a Node that is new enough, and instructions that there are", () => {
    const known = "FROM RUN ENV USER VOLUME EXPOSE HEALTHCHECK ENTRYPOINT CMD".split(" ");
    assert.deepEqual(
      instructions.filter(({ name }) => !known.includes(name)),
      [],
    );
    const { engines } = JSON.parse(readFileSync(`${checkout}package.json`, "utf8")) as { engines: { node: string } };
    const [image = ""] = restOf("FROM");
    assert.equal(`>=${/^node:(\d+)/.exec(image)?.[1]}`, engines.node);
  });

  test("docs/deployment.md: the image starts a command that there is, with settings that are read", () => {
    const [entry, command] = [...restOf("ENTRYPOINT"), ...restOf("CMD")].map((each) => JSON.parse(each) as string[]);
    assert.deepEqual(entry, ["onbehalf"]);
    assert.ok(program().commands.some((each) => each.name() === command?.[0]));
    const known = new Set<string>(Object.values(settingNames));
    assert.deepEqual(
      [...variables.keys()].filter((name) => !known.has(name)),
      [],
    );
    assert.deepEqual(restOf("EXPOSE"), [variables.get("PORT")]);
  });

  test("docs/deployment.md: the image's look at its health tells a service that answers from none", async (t) => {
    const [rest = ""] = restOf("HEALTHCHECK");
    const [, , script = ""] = JSON.parse(rest.replace(/^CMD /, "")) as string[];
    const { url } = await testService(t);
    const statusAt = async (address: string): Promise<unknown> => {
      const child = spawn(process.execPath, ["-e", script.replace("http://127.0.0.1:8787", address)], {
        stdio: "ignore",
      });
      return (await once(child, "exit"))[0];
    };
    assert.equal(await statusAt(url), 0);
    assert.equal(await statusAt(`${url}/nothing-here`), 1);
    assert.equal(await statusAt(`http://127.0.0.1:${await freePort()}`), 1);
  });

  test("docs/deployment.md: compose.yaml gives what the image reads", needsProgram("python3"), () => {
    const script = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))";
    const input = blockIn("deployment, container", "yaml");
    const compose = JSON.parse(
      execFileSync("/usr/bin/python3", ["-c", script], { input, encoding: "utf8" }),
    ) as Compose;
    const { onbehalf } = compose.services;
    assert.ok(onbehalf !== undefined);
    assert.deepEqual(unknownSettings(input), []);
    assert.deepEqual(onbehalf.secrets, Object.keys(compose.secrets));
    const files = [variables.get("ONBEHALF_KEY_FILE"), variables.get("ONBEHALF_CLIENT_SECRET_FILE")];
    assert.deepEqual(
      onbehalf.secrets.map((name) => `/run/secrets/${name}`),
      files,
    );
    assert.deepEqual(
      onbehalf.volumes.map((each) => each.split(":")[0]),
      Object.keys(compose.volumes),
    );
    assert.deepEqual(
      onbehalf.volumes.map((each) => each.split(":")[1]),
      restOf("VOLUME"),
    );
    assert.ok(variables.get("ONBEHALF_STORE")?.startsWith(`sqlite:${restOf("VOLUME")[0]}/`));
    // As long as the unit's.
    const [unit = ""] = blocksFor("deployment, unit").map(({ text }) => text);
    assert.equal(onbehalf.stop_grace_period, `${/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]}s`);
    assert.deepEqual(onbehalf.ports, [`127.0.0.1:8787:${variables.get("PORT")}`]);
  });
});

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Sends a request to a reverse proxy under the service's public name. */
async function through(proxy: URL, method: string, path: string, body = "", more: object = {}): Promise<Answer> {
  const send = proxy.protocol === "https:" ? httpsRequest : httpRequest;
  const headers = { host, "content-type": "application/x-www-form-urlencoded", "content-length": body.length, ...more };
  const request = send(new URL(path, proxy), { method, headers, ca: authority, servername: "localhost" });
  request.end(body);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode ?? 0, text };
}

/** What the page says of any reverse proxy. */
async function assertLetsIn(proxy: URL): Promise<void> {
  const isUp = (): Promise<boolean> =>
    through(proxy, "GET", "/nothing").then(
      () => true,
      () => false,
    );
  await eventually(isUp, (answer) => answer);
  const refused = await through(proxy, "POST", "/authcode", "authCode=4%2F0A");
  assert.deepEqual(
    [refused.status, JSON.parse(refused.text).error],
    [403, "csrf_rejected"],
    "the service's own answer",
  );
  const keys = await through(proxy, "GET", "/.well-known/jwks.json");
  assert.deepEqual([keys.status, JSON.parse(keys.text).keys.length], [200, 1]);
  assert.equal((await through(proxy, "GET", "/docs/errors.md")).status, 200);
  for (const path of ["/v1/grants", "/metrics", "/openapi.json", "/healthz", "/authcode/", "/", "/dashboard"]) {
    const { status, text } = await through(proxy, "GET", path);
    assert.equal(status, 404, path);
    assert.doesNotMatch(text, /"error"/, `${path} does not reach the service`);
  }
  const large = `authCode=${"a".repeat(70_000)}`;
  assert.equal((await through(proxy, "POST", "/authcode", large, { "x-requested-with": "test" })).status, 413);
}

function run(t: TestContext, command: string, args: readonly string[], folder: string): void {
  const env = { PATH: process.env["PATH"], HOME: folder };
  const child = spawn(command, args, { cwd: folder, env, stdio: "ignore" });
  t.after(async () => {
    if (child.exitCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  });
}

describe("docs/deployment.md: the reverse proxy", { timeout: 60_000 }, () => {
  test(
    "docs/deployment.md: nginx lets in what people need, at the rate that it says",
    needsProgram("nginx"),
    async (t) => {
      const folder = await temporaryFolder(t);
      const { server } = await testService(t, { publicUrl: `https://${host}` });
      const port = await freePort();
      await writeFile(join(folder, "certificate.pem"), certificate);
      await writeFile(join(folder, "key.pem"), certificateKey, { mode: 0o600 });
      const text = blockIn("deployment, proxies", "nginx")
        .replaceAll("http://127.0.0.1:8787", server.url)
        .replace("listen 443 ssl", `listen 127.0.0.1:${port} ssl`)
        .replace(/\/etc\/letsencrypt\S+fullchain\.pem/, join(folder, "certificate.pem"))
        .replace(/\/etc\/letsencrypt\S+privkey\.pem/, join(folder, "key.pem"));
      await writeFile(join(folder, "onbehalf.conf"), text);
      // What Debian's nginx.conf has around it.
      const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
      await writeFile(
        join(folder, "nginx.conf"),
        `${process.getuid?.() === 0 ? "user root;\n" : ""}daemon off;\npid ${folder}/pid;\nerror_log /dev/null;
events {}
http {
  access_log off;
${places.map((name) => `  ${name}_temp_path ${folder}/${name};`).join("\n")}
  include ${folder}/onbehalf.conf;
}
`,
      );
      const args = ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", "/dev/null"];
      execFileSync("/usr/sbin/nginx", [...args, "-t", "-q"]);
      run(t, "/usr/sbin/nginx", args, folder);
      const proxy = new URL(`https://localhost:${port}`);
      await assertLetsIn(proxy);
      const flood = await Promise.all(
        Array.from({ length: 60 }, () => through(proxy, "POST", "/authcode", "authCode=4")),
      );
      const statuses = flood.map(({ status }) => status);
      assert.ok(statuses.includes(429) && statuses.includes(403), statuses.join(" "));
    },
  );

  test("docs/deployment.md: Caddy lets in what people need", needsProgram("caddy"), async (t) => {
    const folder = await temporaryFolder(t);
    const { server } = await testService(t, { publicUrl: `https://${host}` });
    const port = await freePort();
    const text = blockIn("deployment, proxies", "caddyfile");
    await writeFile(join(folder, "Caddyfile"), text);
    const env = { PATH: process.env["PATH"], HOME: folder };
    const config = ["--config", join(folder, "Caddyfile"), "--adapter", "caddyfile"];
    execFileSync("/usr/bin/caddy", ["validate", ...config], { env, stdio: "pipe" });
    // Nobody gives out a certificate here.
    const here = text
      .replace(`${host} {`, `{\n\tadmin off\n\tlog {\n\t\toutput discard\n\t}\n}\n\nhttp://${host}:${port} {`)
      .replace("127.0.0.1:8787", server.url.replace("http://", ""));
    await writeFile(join(folder, "Caddyfile"), here);
    run(t, "/usr/bin/caddy", ["run", ...config], folder);
    await assertLetsIn(new URL(`http://127.0.0.1:${port}`));
  });
});
