/** What others may do with a connect link: nothing is stored, and nothing is sent to the provider where that can be helped. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { isOnbehalfError } from "../../../../src/index.ts";
import type { BegunConnect, ErrorCode, Vault } from "../../../../src/index.ts";
import { ConnectBrowser, backWith, consented, newVerifier } from "../../../support/connect-browser.ts";
import type { Seen } from "../../../support/connect-browser.ts";
import { sharedStandin, testVault, until } from "../../../support/test-vault.ts";
import type { TestVault } from "../../../support/test-vault.ts";

const baseUrl = "https://vault.example/connect";
const returnUrl = "https://vault.example/settings";

interface Scene {
  readonly fixture: TestVault;
  readonly vault: Vault;
  readonly link: BegunConnect;
  readonly codeVerifier: string;
  /** The browser of the user for whom the link was made, which has begun it. */
  readonly browser: ConnectBrowser;
  /** Somebody else's. */
  readonly other: ConnectBrowser;
  /** Where the provider was asked. */
  readonly asked: string;
}

const shared = await sharedStandin();
after(() => shared.standin.close());

async function scene(t: TestContext): Promise<Scene> {
  const fixture = await testVault(t, { shared });
  const vault = await fixture.open();
  const handler = vault.connectHandler({ baseUrl });
  const { codeVerifier, codeChallenge } = newVerifier();
  const link = await vault.beginConnect({ externalId: "user-42", returnUrl, codeChallenge });
  const [browser, other] = [new ConnectBrowser(handler), new ConnectBrowser(handler)];
  const { location: asked = "" } = await browser.open(link.url);
  return { fixture, vault, link, codeVerifier, browser, other, asked };
}

const errorOf = ({ location }: Seen): string | null => new URL(location ?? "").searchParams.get("error");
const refused =
  (code: ErrorCode) =>
  (error: unknown): boolean =>
    isOnbehalfError(error, code);

/** Each attack, and how many codes may have been sent to the provider by it. */
const attacks: readonly (readonly [string, (scene: Scene, t: TestContext) => Promise<void>, number])[] = [
  [
    "a link that was begun in another browser leads nowhere",
    async ({ link, other }) => assert.equal((await other.open(link.url)).status, 403),
    0,
  ],
  [
    "an answer that comes in another browser is not taken",
    async ({ fixture, asked, other }) =>
      assert.equal((await other.open(consented(fixture.standin, asked))).status, 403),
    0,
  ],
  [
    "an answer without the cookie is not taken",
    async ({ fixture, asked, browser }) => {
      browser.cookies.clear();
      assert.equal((await browser.open(consented(fixture.standin, asked))).status, 403);
    },
    0,
  ],
  [
    "a cookie that somebody has made up is none",
    async ({ fixture, asked, other }) => {
      other.cookies.set("__Host-onbehalf-connect", "x".repeat(43));
      assert.equal((await other.open(consented(fixture.standin, asked))).status, 403);
    },
    0,
  ],
  [
    "a state that belongs to no link gives a page, and nobody is sent anywhere",
    async ({ browser }) => {
      for (const state of ["", "x", "x".repeat(43), "x".repeat(5_000)]) {
        const seen = await browser.open(`${baseUrl}/callback?code=4/stolen&state=${state}`);
        assert.deepEqual([seen.status, seen.location], [404, undefined]);
      }
    },
    0,
  ],
  [
    "a parameter that is there twice is refused",
    async ({ fixture, asked, browser }) => {
      const seen = await browser.open(`${consented(fixture.standin, asked)}&code=4/another`);
      assert.deepEqual([seen.status, seen.location], [400, undefined]);
    },
    0,
  ],
  [
    "an answer of another issuer ends the link, and its code is sent to nobody",
    async ({ fixture, asked, browser, vault, link }) => {
      const seen = await browser.open(`${consented(fixture.standin, asked)}&iss=https%3A%2F%2Fattacker.example`);
      assert.equal(errorOf(seen), "issuer_mismatch");
      assert.deepEqual(await vault.connectStatus(link.connectId), { status: "failed", error: "issuer_mismatch" });
    },
    0,
  ],
  [
    "script in an error of the provider is neither shown nor passed on",
    async ({ asked, browser }) => {
      const script = "<script>alert(1)</script>";
      const seen = await browser.open(backWith(asked, { error: script, error_description: script }));
      assert.equal(errorOf(seen), "provider_error");
      assert.ok(!`${seen.page}${seen.location}`.includes("alert"));
    },
    0,
  ],
  [
    "a person who refuses is told so to the app",
    async ({ asked, browser }) =>
      assert.equal(errorOf(await browser.open(backWith(asked, { error: "access_denied" }))), "access_denied"),
    0,
  ],
  [
    "a code of another link is refused by the provider, as its challenge is another",
    async ({ fixture, vault, asked, browser, other }) => {
      const theirs = await vault.beginConnect({ externalId: "mallory", returnUrl, ...challenge() });
      const { location = "" } = await other.open(theirs.url);
      const stolen = new URL(consented(fixture.standin, location, "carl@example.com")).searchParams.get("code") ?? "";
      assert.equal(errorOf(await browser.open(backWith(asked, { code: stolen }))), "code_rejected");
    },
    1,
  ],
  [
    "a second code for a link that has an answer is not sent",
    async ({ fixture, asked, browser, vault }) => {
      await browser.open(consented(fixture.standin, asked));
      const again = await browser.open(consented(fixture.standin, asked, "carl@example.com"));
      assert.equal(new URL(again.location ?? "").searchParams.get("status"), "pending");
      assert.equal((await vault.grants()).grants.length, 0);
    },
    1,
  ],
  [
    "a second code for a link whose first one is on its way is not sent",
    async ({ fixture: { standin }, asked, browser }) => {
      const exchanged = (): number => standin.log().counts["exchanged"] ?? 0;
      const before = exchanged();
      standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 700 });
      const first = browser.open(consented(standin, asked));
      await until(() => exchanged() > before);
      const ends = await Promise.all([first, browser.open(consented(standin, asked, "carl@example.com"))]);
      for (const { location = "" } of ends) assert.equal(new URL(location).searchParams.get("status"), "pending");
    },
    1,
  ],
  [
    "a link that has expired is over: when it is opened, and when its answer comes",
    async ({ fixture, link, asked, browser }) => {
      fixture.clock.advance(900_000);
      assert.equal((await browser.open(link.url)).status, 410);
      const seen = await browser.open(consented(fixture.standin, asked));
      assert.deepEqual([seen.status, seen.location], [410, undefined]);
    },
    0,
  ],
  [
    "a link whose time is over before it is finished is not finished",
    async ({ fixture, vault, link, asked, browser, codeVerifier }) => {
      await browser.open(consented(fixture.standin, asked));
      fixture.clock.advance(900_000);
      await assert.rejects(vault.finishConnect(link.connectId, { codeVerifier }), refused("connect_expired"));
      assert.deepEqual(await vault.connectStatus(link.connectId), { status: "expired" });
    },
    1,
  ],
  [
    "a missing verifier, or five wrong ones, end the link: then the right one is of no use",
    async ({ fixture, vault, link, asked, browser, codeVerifier }) => {
      await browser.open(consented(fixture.standin, asked));
      await assert.rejects(vault.finishConnect(link.connectId), refused("verifier_mismatch"));
      for (let n = 0; n < 4; n++) {
        const wrong = vault.finishConnect(link.connectId, { codeVerifier: newVerifier().codeVerifier });
        await assert.rejects(wrong, refused("verifier_mismatch"));
      }
      await assert.rejects(vault.finishConnect(link.connectId, { codeVerifier }), refused("connect_failed"));
      assert.deepEqual(await vault.connectStatus(link.connectId), { status: "failed", error: "verifier_mismatch" });
    },
    1,
  ],
  [
    "a browser that looks ahead, or a program that only asks where it leads, does not begin a link",
    async ({ vault, other }) => {
      const { url } = await vault.beginConnect({ externalId: "user-42", returnUrl, ...challenge() });
      assert.equal((await other.open(url, { "sec-purpose": "prefetch" })).location, undefined);
      const handler = vault.connectHandler({ baseUrl });
      assert.equal((await handler(new Request(url, { method: "HEAD" }))).headers.get("location"), null);
      assert.equal((await other.open(url)).status, 303);
    },
    0,
  ],
  [
    "a return URL that is not on the list makes no link",
    async ({ vault }) => {
      for (const odd of ["https://attacker.example/", "https://vault.example.attacker.example/", "http://127.0.0.1/"]) {
        await assert.rejects(
          vault.beginConnect({ externalId: "u", returnUrl: odd }),
          refused("return_url_not_allowed"),
          odd,
        );
      }
      for (const odd of ["https://vault.example@attacker.example/", "javascript:alert(1)", "/settings"]) {
        await assert.rejects(vault.beginConnect({ externalId: "u", returnUrl: odd }), refused("invalid_request"), odd);
      }
    },
    0,
  ],
];

function challenge(): { readonly codeChallenge: string } {
  return { codeChallenge: newVerifier().codeChallenge };
}

describe("whoever attacks a connect link", () => {
  for (const [title, attack, sent] of attacks) {
    test(`${title}; nothing is stored`, async (t) => {
      const made = await scene(t);
      made.fixture.newRequests();
      await attack(made, t);
      assert.equal(made.fixture.newRequests().length, sent, "codes that were sent");
      assert.equal((await made.vault.grants()).grants.length, 0);
    });
  }
});

test("over https the cookie belongs to this host alone", async (t) => {
  const fixture = await testVault(t, { shared });
  const vault = await fixture.open();
  const handler = vault.connectHandler({ baseUrl });
  const { url } = await vault.beginConnect({ externalId: "u", returnUrl, ...challenge() });
  const seen = await handler(new Request(url));
  assert.match(
    seen.headers.get("set-cookie") ?? "",
    /^__Host-onbehalf-connect=[\w-]{43}; Path=\/; Max-Age=900; HttpOnly; SameSite=Lax; Secure$/,
  );
});
