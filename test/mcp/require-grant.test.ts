import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { inspect } from "node:util";
import { OnbehalfError, isOnbehalfError } from "../../src/index.ts";
import type { Vault } from "../../src/index.ts";
import { openRemoteVault } from "../../src/client/index.ts";
import type { SignedIn } from "../../src/mcp/require-grant-options.ts";
import { ConnectBrowser, backWith, consented } from "../support/connect-browser.ts";
import type { Seen } from "../support/connect-browser.ts";
import { pageUrl, sdks, toolServer } from "../support/mcp-tool-server.ts";
import { testService } from "../support/test-service.ts";
import type { Sdk, ToolClient, ToolServer, ToolServerOptions } from "../support/mcp-tool-server.ts";
import { appData, testVault } from "../support/test-vault.ts";
import type { TestVault } from "../support/test-vault.ts";

const connect = { baseUrl: "http://127.0.0.1:8787/connect", appName: "Notes" };
const drive = "https://www.googleapis.com/auth/drive.readonly";
const wanted = ["openid", "email", appData];

interface Built extends ToolServer {
  readonly vault: Vault;
  readonly fixture: TestVault;
  /** A browser in which somebody is signed in to the server; undefined: nobody. */
  browser(user?: string, page?: ToolServer["required"]["page"]): ConnectBrowser;
  /** Opens a link, consents as this account and comes back. */
  goThrough(browser: ConnectBrowser, url: string, email?: string): Promise<Seen>;
}

async function build(t: TestContext, sdk: Sdk, options: ToolServerOptions = {}): Promise<Built> {
  const fixture = await testVault(t);
  const vault = await fixture.open({ connect });
  const server = toolServer(sdk, vault, { provider: "google", scopes: wanted, ...options });
  const links = vault.connectHandler();
  return {
    ...server,
    vault,
    fixture,
    browser: (user, page = server.required.page) => {
      const browser = new ConnectBrowser((request) =>
        request.url.startsWith(`${pageUrl}/`) ? page(request) : links(request),
      );
      if (user !== undefined) browser.cookies.set("session", user);
      return browser;
    },
    goThrough: async (browser, url, email = "ada@example.com") => {
      const provider = await toProvider(browser, url);
      const { location: back = "" } = await browser.open(consented(fixture.standin, provider, email));
      return browser.open(back);
    },
  };
}

async function toProvider(browser: ConnectBrowser, url: string): Promise<string> {
  const { location: link = assert.fail("the page leads nowhere") } = await browser.open(url);
  return (await browser.open(link)).location ?? assert.fail("the link leads nowhere");
}

/** Calls a tool and takes the link that the client is sent to. */
async function linkOf(client: ToolClient, tool?: string): Promise<{ url: string; message: string }> {
  const answer = await client.call(tool);
  assert.equal(answer.code, -32_042, JSON.stringify(answer));
  assert.equal(answer.elicitations?.length, 1);
  return answer.elicitations?.[0] ?? assert.fail();
}

async function noGrants({ vault }: Built): Promise<void> {
  assert.deepEqual((await vault.grants()).grants, []);
}

for (const sdk of sdks) {
  test(`a tool of ${sdk} sends its person to a link once, and works when they have connected`, async (t) => {
    const built = await build(t, sdk);
    const opened: string[] = [];
    const client = await built.connect("user-1", {
      onLink: async (url) => {
        opened.push(url);
        await built.goThrough(built.browser("user-1"), url);
        return "accept";
      },
    });
    const first = await client.call();
    if (sdk === "SDK 2 of revision 2026-07-28") {
      assert.deepEqual(first, { text: "hello user-1" });
      assert.equal(opened.length, 1);
    } else {
      assert.equal(first.code, -32_042);
      const [link] = first.elicitations ?? assert.fail();
      assert.match(link?.message ?? "", /^Connect your account at Google\.$/);
      // As long as the link waits, it is the same.
      assert.deepEqual(await client.call(), first);
      const seen = await built.goThrough(built.browser("user-1"), link?.url ?? "");
      assert.deepEqual([seen.status, /The account is connected/.test(seen.page)], [200, true]);
      assert.deepEqual(await client.call(), { text: "hello user-1" });
      assert.deepEqual(client.completed, [link?.elicitationId]);
    }
    assert.equal((await built.vault.grant({ externalId: "user-1" })).profile.email, "ada@example.com");
    assert.deepEqual(await client.call(), { text: "hello user-1" });
    await client.close();
  });
}

for (const [title, opener] of [
  ["by another person", "user-2"],
  ["by somebody who is not signed in", undefined],
] as const) {
  test(`a link that is opened ${title} leads no further, and gives nobody a grant`, async (t) => {
    const built = await build(t, "SDK 1");
    const client = await built.connect("user-1");
    const { url } = await linkOf(client);
    const seen = await built.browser(opener).open(url);
    assert.deepEqual([seen.status, seen.location], [opener === undefined ? 401 : 403, undefined]);
    // They themselves get a link of their own, and it works for them alone.
    if (opener !== undefined) {
      const own = await linkOf(await built.connect(opener));
      assert.notEqual(own.url, url);
      await built.goThrough(built.browser(opener), own.url, "carl@example.com");
      assert.equal((await built.vault.grant({ externalId: opener })).profile.email, "carl@example.com");
    }
    await assert.rejects(built.vault.grant({ externalId: "user-1" }), { code: "grant_not_found" });
    assert.equal((await linkOf(client)).url, url);
    assert.deepEqual(client.completed, []);
  });
}

test("whoever is sent the vault's own link of somebody else's elicitation, and consents, connects nothing", async (t) => {
  const built = await build(t, "SDK 2");
  const { url } = await linkOf(await built.connect("user-1"));
  const attacker = built.browser("user-1");
  const { location: inner = "" } = await attacker.open(url);
  for (const victim of [built.browser("user-2"), built.browser()]) {
    const { location: fresh = "" } = await attacker.open(url);
    assert.notEqual(fresh, inner);
    const { location: provider = "" } = await victim.open(fresh);
    const { location: back = "" } = await victim.open(consented(built.fixture.standin, provider, "carl@example.com"));
    const seen = await victim.open(back);
    assert.ok([401, 403].includes(seen.status), String(seen.status));
    // The attacker knows everything of the way back but the code that only the victim's browser was given.
    const guessed = new URL(back);
    guessed.searchParams.delete("return_code");
    assert.equal((await attacker.open(guessed.href)).status, 403);
    guessed.searchParams.set("return_code", "A".repeat(43));
    assert.equal((await attacker.open(guessed.href)).status, 403);
  }
  await noGrants(built);
});

test("the end of another elicitation does not finish this one, even in the browser of its person", async (t) => {
  const built = await build(t, "SDK 1", {
    more: { files: { scopes: [drive] } },
    tools: { drive: () => "", files: () => "" },
  });
  const client = await built.connect("user-1");
  const [one, other] = [await linkOf(client, "drive"), await linkOf(client, "files")];
  assert.notEqual(one.url, other.url);
  const browser = built.browser("user-1");
  const provider = await toProvider(browser, one.url);
  const { location: back = "" } = await browser.open(consented(built.fixture.standin, provider));
  const { search } = new URL(back);
  assert.equal((await browser.open(`${other.url}${search}`)).status, 403);
  await noGrants(built);
  assert.equal((await browser.open(back)).status, 200);
  assert.equal((await browser.open(back)).status, 200);
});

test("a link says in clear neither whose it is nor what it is for", async (t) => {
  const built = await build(t, "SDK 1", { account: "ada@example.com" });
  const { url, message } = await linkOf(await built.connect("user-with-a-name"));
  const [, , , , segment = ""] = new URL(url).href.split("/");
  const texts = `${url} ${Buffer.from(segment, "base64url").toString("latin1")} ${message}`;
  for (const secret of ["user-with-a-name", "ada@example.com", "drive.appdata"])
    assert.ok(!texts.includes(secret), secret);
});

test("a page answers nothing but the links that it has made", async (t) => {
  const built = await build(t, "SDK 1");
  const { url } = await linkOf(await built.connect("user-1"));
  const browser = built.browser("user-1");
  for (const wrong of [`${pageUrl}/`, `${pageUrl}/x`, `${url}A`, url.slice(0, -1), `${url}/`, url.toLowerCase()]) {
    assert.equal((await browser.open(wrong)).status, 404, wrong);
  }
  const other = toolServer("SDK 1", built.vault, { provider: "google" });
  assert.equal((await built.browser("user-1", other.required.page).open(url)).status, 404);
  assert.equal((await browser.post(url, {})).status, 405);
  const ahead = await browser.open(url, { "sec-purpose": "prefetch;prerender" });
  assert.deepEqual([ahead.status, ahead.location], [503, undefined]);
  const head = await built.required.page(new Request(url, { method: "HEAD" }));
  assert.deepEqual([head.status, head.headers.get("location")], [200, null]);
  built.fixture.clock.advance(31 * 60_000);
  assert.equal((await browser.open(url)).status, 410);
});

test("somebody who is not signed in is sent to the sign-in that the server names", async (t) => {
  for (const answer of [
    () => Response.redirect("https://mcp.example/login", 302),
    (): never => {
      throw Response.redirect("https://mcp.example/login", 302);
    },
  ]) {
    const built = await build(t, "SDK 1", { signedIn: answer });
    const { url } = await linkOf(await built.connect("user-1"));
    assert.equal((await built.browser().open(url)).location, "https://mcp.example/login");
  }
});

test("a link works at another process with the same secret, and the first one's client works after it", async (t) => {
  const secret = "0123456789abcdef0123456789abcdef";
  const built = await build(t, "SDK 1", { secret });
  const second = toolServer("SDK 2", built.vault, { provider: "google", scopes: wanted, secret });
  const client = await built.connect("user-1");
  const { url } = await linkOf(client);
  assert.equal((await built.goThrough(built.browser("user-1", second.required.page), url)).status, 200);
  assert.deepEqual(await client.call(), { text: "hello user-1" });
  // The call has found the grant: who was given the link is told.
  assert.equal(client.completed.length, 1);
});

test("calls at once get one link, and one that is about to end is replaced", async (t) => {
  const built = await build(t, "SDK 2");
  const clients = await Promise.all([built.connect("user-1"), built.connect("user-1"), built.connect("user-2")]);
  const urls = await Promise.all(clients.flatMap((client) => [linkOf(client), linkOf(client)]));
  assert.equal(new Set(urls.map(({ url }) => url)).size, 2);
  const [{ url } = assert.fail()] = urls;
  built.fixture.clock.advance(21 * 60_000);
  const next = await linkOf(clients[0] ?? assert.fail());
  assert.notEqual(next.url, url);
  // The older one works to its end, and both clients are told.
  await built.goThrough(built.browser("user-1"), url);
  assert.deepEqual(
    clients.map(({ completed }) => completed.length),
    [1, 1, 0],
  );
});

test("a link is begun twenty times at most", async (t) => {
  const built = await build(t, "SDK 1");
  const { url } = await linkOf(await built.connect("user-1"));
  const browser = built.browser("user-1");
  for (let nth = 0; nth < 20; nth += 1) assert.equal((await browser.open(url)).status, 303);
  assert.equal((await browser.open(url)).status, 410);
});

test("whoever does not allow it is told so, and the link works on", async (t) => {
  const built = await build(t, "SDK 1");
  const client = await built.connect("user-1");
  const { url } = await linkOf(client);
  const browser = built.browser("user-1");
  const provider = await toProvider(browser, url);
  const { location: back = "" } = await browser.open(backWith(provider, { error: "access_denied" }));
  const seen = await browser.open(back);
  assert.deepEqual([seen.status, /Nothing was connected/.test(seen.page)], [200, true]);
  assert.deepEqual(client.completed, []);
  assert.equal((await linkOf(client)).url, url);
  assert.equal((await built.goThrough(browser, url)).status, 200);
  assert.deepEqual(await client.call(), { text: "hello user-1" });
});

test("whoever has connected before is offered the same account, and who takes another one is told what to do", async (t) => {
  const built = await build(t, "SDK 1", {
    more: { files: { scopes: [drive] } },
    tools: { drive: () => "drive", files: () => "files" },
  });
  const { fixture, vault } = built;
  await vault.exchangeCode({ code: fixture.code("ada@example.com"), externalId: "user-1" });
  const client = await built.connect("user-1");
  const { url } = await linkOf(client, "files");
  const browser = built.browser("user-1");
  const provider = new URL(await toProvider(browser, url));
  assert.equal(provider.searchParams.get("login_hint"), "ada@example.com");
  const { location: back = "" } = await browser.open(consented(fixture.standin, provider.href, "carl@example.com"));
  const refused = await browser.open(back);
  assert.deepEqual([refused.status, /You chose another account/.test(refused.page)], [409, true]);
  assert.deepEqual(await client.call("drive"), { text: "drive" });
  assert.equal((await built.vault.grant({ externalId: "user-1" })).profile.email, "ada@example.com");
  assert.equal((await built.goThrough(browser, (await linkOf(client, "files")).url)).status, 200);
  assert.deepEqual(await client.call("files"), { text: "files" });
  // An account that is over may be exchanged.
  await vault.revoke({ externalId: "user-1" });
  await built.goThrough(browser, (await linkOf(client)).url, "carl@example.com");
  assert.deepEqual(await client.call("drive"), { text: "drive" });
  const { grantId } = await vault.getAccessToken({ externalId: "user-1" });
  assert.equal((await vault.grant({ grantId })).profile.email, "carl@example.com");
});

test("whoever has several accounts is told so, where the server does not say which", async (t) => {
  const faults: unknown[] = [];
  const built = await build(t, "SDK 1", { onFault: (error) => faults.push(error) });
  for (const email of ["ada@example.com", "carl@example.com"]) {
    await built.vault.exchangeCode({ code: built.fixture.code(email), externalId: "user-1" });
  }
  const { text = "", isError } = await (await built.connect("user-1")).call();
  assert.deepEqual([isError, faults.length], [true, 1]);
  assert.match(text, /^You have connected several accounts at Google/);
  const one = toolServer("SDK 1", built.vault, { provider: "google", account: "1", scopes: wanted });
  assert.match((await linkOf(await one.connect("user-1"))).message, /^Connect your account/);
});

for (const sdk of ["SDK 1", "SDK 2"] as const) {
  test(`a tool of ${sdk} that needs more than the person allowed asks for what is missing, and keeps the rest`, async (t) => {
    const built = await build(t, sdk, {
      tools: { drive: () => "drive", files: ({ scopes }) => [...scopes].sort().join(" ") },
      more: { files: { scopes: [drive] } },
    });
    await built.vault.exchangeCode({
      code: built.fixture.code("ada@example.com"),
      source: "android",
      externalId: "user-1",
    });
    const client = await built.connect("user-1");
    assert.deepEqual(await client.call("drive"), { text: "drive" });
    const { url, message } = await linkOf(client, "files");
    assert.equal(message, `Allow more at Google (${drive}).`);
    await built.goThrough(built.browser("user-1"), url);
    const { text = "" } = await client.call("files");
    assert.ok(text.includes(drive) && text.includes(appData), text);
    assert.deepEqual(await client.call("drive"), { text: "drive" });
  });
}

test("whoever leaves a box unticked is asked for it again, and told what it is", async (t) => {
  const built = await build(t, "SDK 1", { scopes: [...wanted, drive] });
  const client = await built.connect("user-1");
  const { url } = await linkOf(client);
  const browser = built.browser("user-1");
  const asked = new URL(await toProvider(browser, url));
  asked.searchParams.set("scope", wanted.join(" "));
  const { location: back = "" } = await browser.open(consented(built.fixture.standin, asked.href));
  assert.equal((await browser.open(back)).status, 200);
  const next = await linkOf(client);
  assert.notEqual(next.url, url);
  assert.equal(next.message, `Allow more at Google (${drive}).`);
  await built.goThrough(browser, next.url);
  assert.deepEqual(await client.call(), { text: "hello user-1" });
});

test("a page learns who is signed in from what a framework has put into the request", async (t) => {
  const signedIn: SignedIn = (_, { incoming }) => (incoming as { user?: string } | undefined)?.user;
  const built = await build(t, "SDK 1", { signedIn });
  const { url } = await linkOf(await built.connect("user-1"));
  const statusFor = async (incoming?: object): Promise<number> =>
    (await built.required.page(new Request(url), { incoming })).status;
  assert.deepEqual(
    [await statusFor({ user: "user-1" }), await statusFor({ user: "user-2" }), await statusFor()],
    [303, 403, 401],
  );
});

for (const sdk of sdks) {
  test(`a prompt and a resource of ${sdk} send their person to a link as a tool does`, async (t) => {
    const built = await build(t, sdk);
    const client = await built.connect("user-1", {
      onLink: async (url) => {
        await built.goThrough(built.browser("user-1"), url);
        return "accept";
      },
    });
    const first = await client.read("drive");
    if (sdk === "SDK 2 of revision 2026-07-28") assert.deepEqual(first, { text: "hello user-1" });
    else {
      assert.equal(first.code, -32_042);
      assert.deepEqual(await client.prompt("drive"), first);
      await built.goThrough(built.browser("user-1"), first.elicitations?.[0]?.url ?? "");
    }
    assert.deepEqual(await client.prompt("drive"), { text: "hello user-1" });
    assert.deepEqual(await client.read("drive"), { text: "hello user-1" });
    await client.close();
  });
}

test("a server with a remote vault sends its people to the service, and works after each consent at once", async (t) => {
  const service = await testService(t, { returnUrls: [`${pageUrl}/*`], appName: "Notes" });
  const key = await service.keyFor("token", "connect", "grants:read");
  await using vault = await openRemoteVault({ url: service.url, key, clock: service.fixture.clock, waitSeconds: 0 });
  const built = toolServer("SDK 1", vault, {
    provider: "google",
    scopes: wanted,
    tools: { drive: ({ externalId }) => externalId, files: async ({ fetch }) => String((await fetch(listUrl)).status) },
    more: { files: { scopes: [drive] } },
  });
  const listUrl = `${service.fixture.standin.url}/drive/v3/files`;
  const browser = new ConnectBrowser((request) =>
    request.url.startsWith(`${pageUrl}/`) ? built.required.page(request) : fetch(request),
  );
  browser.cookies.set("session", "user-1");
  const goThrough = async (url: string): Promise<number> => {
    const provider = await toProvider(browser, url);
    const { location = "" } = await browser.open(consented(service.fixture.standin, provider));
    return (await browser.open(location)).status;
  };
  const client = await built.connect("user-1");
  assert.equal(await goThrough((await linkOf(client)).url), 200);
  assert.deepEqual(await client.call(), { text: "user-1" });
  const { url, message } = await linkOf(client, "files");
  assert.equal(message, `Allow more at google (${drive}).`);
  assert.equal(await goThrough(url), 200);
  // The remote vault remembers the token of before.
  assert.deepEqual(await client.call("files"), { text: "200" });
  await service.server.close();
  // Whose token is remembered is served on.
  assert.deepEqual(await client.call(), { text: "user-1" });
  const stranger = await built.connect("user-2");
  const { text = "", isError } = await stranger.call();
  assert.deepEqual([isError, text.startsWith("google cannot be reached just now")], [true, true], text);
  await client.close();
});

test("a process that remembers a token from before somebody else's consent asks nobody again", async (t) => {
  const secret = "0123456789abcdef0123456789abcdef";
  const options = { secret, tools: { files: () => "files" }, more: { files: { scopes: [drive] } } };
  const built = await build(t, "SDK 1", options);
  const { fixture } = built;
  await built.vault.exchangeCode({ code: fixture.code("ada@example.com"), externalId: "user-1" });
  const client = await built.connect("user-1");
  const { url } = await linkOf(client, "files");
  const elsewhere = await fixture.open({ connect });
  const second = toolServer("SDK 2", elsewhere, { provider: "google", scopes: wanted, ...options });
  assert.equal((await built.goThrough(built.browser("user-1", second.required.page), url)).status, 200);
  assert.deepEqual(await client.call("files"), { text: "files" });
});

test("names of scopes that the provider answers otherwise are not missing", async (t) => {
  const appFolder = "https://www.googleapis.com/auth/drive.appfolder";
  const built = await build(t, "SDK 1", { scopes: ["openid", "email", "profile", appFolder, "offline_access"] });
  await built.vault.exchangeCode({
    code: built.fixture.code("ada@example.com"),
    source: "android",
    externalId: "user-1",
  });
  assert.deepEqual(await (await built.connect("user-1")).call(), { text: "hello user-1" });
});

test("a grant that has lapsed, and one that was revoked, lead to a link again", async (t) => {
  const built = await build(t, "SDK 1", { purpose: "so that Notes can keep its files" });
  const { fixture, vault } = built;
  await vault.exchangeCode({ code: fixture.code("ada@example.com"), source: "android", externalId: "user-1" });
  const client = await built.connect("user-1");
  assert.deepEqual(await client.call(), { text: "hello user-1" });
  fixture.standin.revoke("ada@example.com");
  fixture.clock.advance(2 * 3_600_000);
  await client.call();
  fixture.clock.advance(2 * 3_600_000);
  const { url, message } = await linkOf(client);
  assert.equal(
    message,
    "Connect your account at Google again: it does not accept what you allowed earlier, so that Notes can keep its files.",
  );
  await built.goThrough(built.browser("user-1"), url);
  assert.deepEqual(await client.call(), { text: "hello user-1" });
  await vault.revoke({ externalId: "user-1" });
  assert.match((await linkOf(client)).message, /^Connect your account at Google/);
});

for (const sdk of sdks) {
  test(`a tool of ${sdk} sends nobody to a link while the provider is down or refuses the server's client`, async (t) => {
    const faults: unknown[] = [];
    const built = await build(t, sdk, { onFault: (error) => faults.push(error) });
    const { fixture, vault } = built;
    await vault.exchangeCode({ code: fixture.code("ada@example.com"), source: "android", externalId: "user-1" });
    const client = await built.connect("user-1");
    fixture.clock.advance(2 * 3_600_000);
    fixture.standin.fault("POST", "/token", { times: "always", status: 503 });
    const down = await client.call();
    assert.equal(down.isError, true);
    assert.match(
      down.text ?? "",
      /^Google cannot be reached just now\. It is not your account's fault, and there is nothing for you to do: try again in \d+ s\.$/,
    );
    assert.deepEqual(faults, []);
    fixture.standin.clearFaults();
    fixture.clock.advance(10 * 60_000);
    fixture.standin.fault("POST", "/token", { times: "always", status: 401, body: { error: "invalid_client" } });
    const refused = await client.call();
    assert.deepEqual(refused, {
      isError: true,
      text: "This server cannot use Google just now (client_misconfigured). It is not your account's fault: tell whoever runs this server.",
    });
    assert.equal(faults.length, 1);
    fixture.standin.clearFaults();
    fixture.clock.advance(10 * 60_000);
    assert.deepEqual(await client.call(), { text: "hello user-1" });
    await client.close();
  });

  test(`a client of ${sdk} that opens no links is given the link in words`, async (t) => {
    const built = await build(t, sdk);
    const client = await built.connect("user-1", { onLink: "none" });
    const { text = "", isError } = await client.call();
    assert.equal(isError, true);
    const [, url = ""] =
      /^Connect your account at Google\. Open this link in a browser in which you are signed in to this server, then try again: (\S+)$/.exec(
        text,
      ) ?? assert.fail(text);
    await built.goThrough(built.browser("user-1"), url);
    assert.deepEqual(await client.call(), { text: "hello user-1" });
    await client.close();
  });

  test(`a tool of ${sdk} works for nobody whom the access token does not name`, async (t) => {
    const built = await build(t, sdk);
    for (const user of [undefined, ""]) {
      const client = await built.connect(user);
      const { text = "", isError } = await client.call();
      assert.deepEqual(
        [isError, /the server does not know who you are/.test(text), /http/.test(text)],
        [true, true, false],
      );
      await client.close();
    }
  });

  test(`a grant that ends while a tool of ${sdk} works leads to a link, and what the tool throws itself is its own`, async (t) => {
    const built = await build(t, sdk, {
      tools: {
        fetch: async ({ fetch }) => String((await fetch("https://www.googleapis.com/drive/v3/files/appfolder")).status),
        own: () => {
          throw new OnbehalfError("grant_not_found", "another one", { hint: "none", details: {} });
        },
        elsewhere: async ({ fetch }) => String((await fetch("https://example.com/")).status),
      },
    });
    const { fixture, vault } = built;
    await vault.exchangeCode({ code: fixture.code("ada@example.com"), source: "android", externalId: "user-1" });
    const client = await built.connect("user-1", {
      onLink: async (url) => {
        await built.goThrough(built.browser("user-1"), url);
        return "accept";
      },
    });
    assert.deepEqual(await client.call("fetch"), { text: "200" });
    assert.deepEqual(await client.call("own"), { text: "another one", isError: true });
    const elsewhere = await client.call("elsewhere");
    assert.match(elsewhere.text ?? "", /host_not_allowed/);
    fixture.standin.revoke("ada@example.com");
    let answer = await client.call("fetch");
    for (let nth = 0; answer.code === undefined && answer.text !== "200" && nth < 3; nth += 1) {
      fixture.clock.advance(3_600_000);
      answer = await client.call("fetch");
    }
    if (answer.code === -32_042) {
      await built.goThrough(built.browser("user-1"), answer.elicitations?.[0]?.url ?? "");
      answer = await client.call("fetch");
    }
    assert.deepEqual(answer, { text: "200" });
    await client.close();
  });
}

for (const action of ["decline", "cancel"] as const) {
  test(`a person of revision 2026-07-28 who answers ${action} is not asked again in that call`, async (t) => {
    const built = await build(t, "SDK 2 of revision 2026-07-28");
    let asked = 0;
    const client = await built.connect("user-1", {
      onLink: async () => {
        asked += 1;
        return action;
      },
    });
    const { isError, text = "" } = await client.call();
    assert.deepEqual([isError, asked], [true, 1]);
    assert.match(text, /^Nothing was connected/);
    await client.close();
  });
}

test("a person of revision 2026-07-28 who accepts and does not finish is told to, and the next call works", async (t) => {
  const built = await build(t, "SDK 2 of revision 2026-07-28", { acceptedWaitSeconds: 0 });
  let link = "";
  const client = await built.connect("user-1", {
    onLink: async (url) => {
      link = url;
      return "accept";
    },
  });
  assert.deepEqual(await client.call(), {
    isError: true,
    text: "Your account at Google is not connected yet. Finish in the browser, then try again.",
  });
  await built.goThrough(built.browser("user-1"), link);
  assert.deepEqual(await client.call(), { text: "hello user-1" });
  await client.close();
});

test("a person of revision 2026-07-28 may take their time after they have accepted", async (t) => {
  const built = await build(t, "SDK 2 of revision 2026-07-28");
  const through: Promise<Seen>[] = [];
  const client = await built.connect("user-1", {
    onLink: async (url) => {
      through.push(built.goThrough(built.browser("user-1"), url));
      return "accept";
    },
  });
  assert.deepEqual(await client.call(), { text: "hello user-1" });
  await Promise.all(through);
  await client.close();
});

test("code that registers no tool gets the access, or what it passes on", async (t) => {
  const built = await build(t, "SDK 1");
  const server = {
    getClientCapabilities: () => ({ elicitation: { url: {} } }),
    createElicitationCompletionNotifier: () => async () => {},
  };
  const extra = { authInfo: { token: "t", clientId: "c", scopes: [], extra: { sub: "user-1" } } };
  await assert.rejects(built.required.access(server, extra), { code: -32_042 });
  const handler = built.required.handler(
    server,
    (access, request: { name: string }, _extra: object) => `${access.externalId} ${request.name}`,
  );
  await assert.rejects(handler({ name: "x" }, extra), { code: -32_042 });
  await assert.rejects(built.required.access({ server }, {}), /does not know who you are/);
  const { fixture, vault } = built;
  await vault.exchangeCode({ code: fixture.code("ada@example.com"), source: "android", externalId: "user-1" });
  assert.equal(await handler({ name: "x" }, extra), "user-1 x");
  const access = await built.required.access({ server }, extra);
  assert.equal(access.token, (await vault.getAccessToken({ externalId: "user-1" })).token);
  const shown = `${JSON.stringify(access)} ${JSON.stringify({ ...access })} ${inspect(access, { getters: true, depth: 9 })}`;
  assert.ok(!shown.includes(access.token), shown);
});

for (const [name, value, says] of [
  ["externalId", undefined, /externalId/],
  ["signedIn", "user-1", /signedIn/],
  ["UrlElicitationRequiredError", undefined, /UrlElicitationRequiredError must be the SDK's class/],
  ["pageUrl", "http://mcp.example/x", /pageUrl must be an https URL/],
  ["pageUrl", "https://mcp.example/x?y", /pageUrl must be an https URL/],
  ["pageUrl", "/x", /pageUrl must be an https URL/],
  ["secret", "too short", /secret must be 32 characters/],
  ["scopes", "drive", /scopes must be a list/],
  ["scope", ["drive"], /scope/],
  ["acceptedWaitSeconds", -1, /acceptedWaitSeconds/],
] as const) {
  test(`requireGrant refuses ${name} as ${JSON.stringify(value)}`, async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open({ connect });
    assert.throws(
      () => toolServer("SDK 1", vault, { [name]: value }),
      (error) => isOnbehalfError(error, "configuration_invalid") && says.test(error.message),
    );
  });
}
