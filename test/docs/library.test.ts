import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import * as onbehalf from "../../src/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { blocksFor } from "./block-runners.ts";
import { membersOf, sectionOf, wordsInCode } from "./members.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
const page = read("docs/library.md");
const blocks = blocksFor("library");
const headings = new Set([...page.matchAll(/^### (.*)$/gm)].flatMap(([, names = ""]) => names.split(", ")));

const sources: Readonly<Record<string, string>> = {
  onbehalf: "src/index.ts",
  "onbehalf/client": "src/client/index.ts",
  "onbehalf/googleapis": "src/googleapis/index.ts",
  "onbehalf/node": "src/node/index.ts",
  "onbehalf/mcp": "src/mcp/index.ts",
  "onbehalf/sqlite": "src/store/sqlite/index.ts",
  "onbehalf/standin": "src/standin/index.ts",
  "onbehalf/service": "src/service/index.ts",
};

/** Our modules as they are in this checkout. */
function resolved(text: string): string {
  return text
    .replaceAll(/from "(onbehalf(?:\/[^"]+)?)"/g, (_, name: string) => {
      return `from ${JSON.stringify(new URL(sources[name] ?? `no source for ${name}`, root).href)}`;
    })
    .replaceAll(/from "(@modelcontextprotocol\/[^"]+)"/g, (_, name: string) => {
      return `from ${JSON.stringify(import.meta.resolve(name))}`;
    });
}

const mark = "--- line ";

describe("docs/library.md", { timeout: 60_000 }, () => {
  test("its blocks run as one program, and print what stands below them", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "onbehalf-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const programs = blocks.filter(({ language }) => language === "ts");
    const text = programs.map(({ line, text }) => `console.log("${mark}${line}");\n${resolved(text)}`).join("\n");
    await writeFile(join(folder, "library.ts"), text);
    const { stdout } = await promisify(execFile)(process.execPath, ["library.ts"], { cwd: folder });
    const printed = new Map(
      stdout
        .split(mark)
        .slice(1)
        .map((part) => [Number.parseInt(part, 10), part.slice(part.indexOf("\n") + 1).trimEnd()]),
    );
    for (const [index, { language, line }] of blocks.entries()) {
      if (language !== "ts") continue;
      const below = blocks[index + 1];
      assert.equal(printed.get(line), below?.language === "text" ? below.text : "", `the block in line ${line}`);
    }
  });

  test("each value that onbehalf exports is named here or in the README; they are thirty at most", () => {
    const values = Object.keys(onbehalf);
    const documents = `${page}\n${read("README.md")}`;
    assert.deepEqual(
      values.filter((name) => !new RegExp(`\\b${name}\\b`).test(documents)),
      [],
    );
    assert.ok(values.length <= 32, `${values.length} values: ${values.join(" ")}`);
  });

  test("each verb of a vault has a section", async () => {
    const { generateMasterKey, keyringFromKeys, oidc, openVault } = onbehalf;
    await using vault = await openVault({
      provider: oidc({ name: "example", issuer: "https://issuer.example", clientId: "app" }),
      store: sqlite(":memory:"),
      keyring: keyringFromKeys(generateMasterKey()),
    });
    const verbs = Object.getOwnPropertyNames(Object.getPrototypeOf(vault)).filter((name) => name !== "constructor");
    assert.deepEqual(
      [...verbs, ...Object.keys(vault)].filter((name) => !headings.has(name)),
      [],
    );
  });

  for (const [heading, interfaces] of [
    ["## Open a vault", { "": "VaultOptions", "vault/open/": "CommonOptions" }],
    ["## Open a vault", { "vault/keeper/open-keeper.ts": "KeeperOptions" }],
    ["### exchangeCode", { "vault/keeper/codes/": "ExchangeCodeOptions" }],
    ["### deposit", { "vault/keeper/deposits/deposit-request.ts": "DepositOptions" }],
    ["### getAccessToken", { "vault/tokens/": "GetAccessTokenOptions" }],
    ["### grant, grants", { "core/grant.ts": "Grant", "vault/grants/list-grants.ts": "GrantQuery" }],
    ["### grant, grants", { "core/grant.ts": "Profile", "vault/grants/list-grants.ts": "GrantPage" }],
    ["### authCodeHandler", { "vault/http/": "AuthCodeHandlerOptions" }],
    [
      "### connectHandler, beginConnect, finishConnect, connectStatus",
      {
        "vault/http/connect/begin-connect.ts": "BeginConnectOptions",
        "vault/http/connect/finish-connect.ts": "FinishConnectOptions",
        "vault/http/connect/site.ts": "ConnectOptions",
      },
    ],
    ["### callers", { "vault/http/caller.ts": "CreateCallerOptions" }],
    ["### callers", { "vault/http/caller.ts": "RotateCallerOptions" }],
    ["### callers", { "vault/http/caller.ts": "NarrowCallerOptions" }],
    ["### callers", { "vault/http/caller.ts": "Caller" }],
    ["### sessions", { "vault/http/sessions.ts": "CreateSessionOptions" }],
    ["### sessions", { "vault/http/sessions.ts": "SessionQuery" }],
    ["### sessions", { "vault/http/sessions.ts": "Session" }],
    ["### keyStatus, rotateMasterKey", { "vault/open/master-key-rotation.ts": "KeyStatus" }],
    ["### rotateDataKeys", { "vault/open/data-key-rotation.ts": "RotateDataKeysOptions" }],
    ["### google", { "providers/google.ts": "GoogleOptions" }],
    ["## Providers", { "providers/oidc.ts": "OidcOptions", "providers/provider.ts": "Provider" }],
    ["## Providers", { "providers/provider.ts": "Endpoints", "providers/oauth2.ts": "OAuth2Options" }],
    ["## Providers", { "providers/client-options.ts": "ClientOptions" }],
    ["## Other subpaths", { "store/sqlite/": "SqliteOptions", "store/postgres/": "PostgresOptions" }],
    ["## Other subpaths", { "service/": "ServiceOptions", "service/http/": "ServerOptions" }],
  ] as const) {
    for (const [path, name] of Object.entries(interfaces)) {
      test(`each member of ${name} is named in "${heading}"`, () => {
        const named = wordsInCode(sectionOf(page, heading));
        assert.deepEqual(
          membersOf(`src/${path}`, name).filter((member) => !named.has(member)),
          [],
        );
      });
    }
  }

  test("the options in the table of openVault are options", () => {
    const [, table = ""] = /\n\| option [^\n]*\n\|[ |-]+\n([^]*?)\n\n/.exec(sectionOf(page, "## Open a vault")) ?? [];
    const first = table.split("\n").map((row) => row.split("|")[1] ?? "");
    const named = first.flatMap((cell) => [...cell.matchAll(/`(\w+)/g)].map(([, option = ""]) => option));
    const options = [
      ...membersOf("src/", "VaultOptions"),
      ...membersOf("src/vault/open/open-context.ts", "CommonOptions"),
      ...membersOf("src/vault/keeper/open-keeper.ts", "KeeperOptions"),
    ];
    assert.deepEqual(named.toSorted(), options.toSorted());
  });

  test("each error is linked to its section, and each code that the page names is one", () => {
    const codes = new Set([...read("docs/errors.md").matchAll(/^## ([a-z_]+)$/gm)].map(([, code]) => code));
    const linked = [...page.matchAll(/\[`([a-z_]+)`\]\(errors\.md#([a-z_]+)\)/g)];
    assert.ok(linked.length > 20);
    for (const [link, code, anchor] of linked) assert.ok(code === anchor && codes.has(code), link);
  });

  test("each subpath of the package is described, with the values that it exports", async () => {
    const { exports } = JSON.parse(read("package.json")) as { exports: Readonly<Record<string, unknown>> };
    const section = wordsInCode(sectionOf(page, "## Other subpaths"));
    for (const subpath of Object.keys(exports).filter((name) => name !== ".")) {
      assert.ok(page.includes(`\`onbehalf${subpath.slice(1)}\``), subpath);
    }
    // By a name that the compiler does not follow: the page's client has the DOM.
    const modules = await Promise.all(
      ["browser", "service", "standin"].map((name) => import(`../../src/${name}/index.ts`) as Promise<object>),
    );
    // An error's class is met by what it is caught as.
    const values = modules.flatMap((module) => Object.keys(module)).filter((name) => !/^default|Error$/.test(name));
    assert.deepEqual(
      values.filter((name) => !section.has(name)),
      [],
    );
  });

  test("each type that onbehalf exports stands in the table of types, and no other", () => {
    const exported = [...read("src/index.ts").matchAll(/^export type \{([^}]*)\}/gm)].flatMap(([, names = ""]) =>
      (names.match(/\w+/g) ?? []).filter((name) => name !== "as"),
    );
    const listed = [...wordsInCode(sectionOf(page, "## Types"))].filter((name) => name !== "onbehalf");
    assert.deepEqual(listed.toSorted(), exported.toSorted());
  });

  test("the events are those that a vault tells", () => {
    const [, section = ""] = page.split("\n## Events\n");
    const documented = [...section.matchAll(/^\| `([a-z_]+)`/gm)].map(([, type]) => type);
    const declared = [...read("src/vault/events.ts").matchAll(/type: "([a-z_]+)"/g)].map(([, type]) => type);
    assert.deepEqual(new Set(documented), new Set(declared));
  });
});
