/**
 * Hundreds of addresses, headers, redirects and meanings of names, made of a seed: none may take a token to a host that is
 * not on the provider's list, or to an address of our own network. `ADDRESSES_SEED` makes others.
 */
import assert from "node:assert/strict";
import type { lookup } from "node:dns";
import { after, before, test } from "node:test";
import type { TestContext } from "node:test";
import { isOnbehalfError } from "../../../src/index.ts";
import type { Provider } from "../../../src/index.ts";
import type { OutboundInit } from "../../../src/outbound/outbound-fetch.ts";
import { isPublicAddress, publicLookup } from "../../../src/outbound/public-lookup.ts";
import { seeded } from "../../../tools/random.ts";
import { oddAddress, oddLocation } from "../../support/odd-addresses.ts";
import { chance, pick } from "../../support/odd-text.ts";
import { rawRequest, testService } from "../../support/test-service.ts";
import type { TestService } from "../../support/test-service.ts";
import { sharedStandin, testVault } from "../../support/test-vault.ts";
import type { SharedStandin } from "../../support/test-vault.ts";

const seed = Number(process.env["ADDRESSES_SEED"] ?? 20_261_126);
const good = "drive.googleapis.com";
const apiHosts = ["www.googleapis.com", "*.googleapis.com"];

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

interface Sent {
  readonly url: URL;
  readonly headers: Headers;
  readonly publicOnly: boolean;
  readonly redirect: string | undefined;
}

/** A service whose requests to APIs are written down in place of being sent. */
async function withNotes(t: TestContext, answer: () => Response): Promise<TestService & { sent: Sent[]; at: string }> {
  const { provider: standins } = await testVault(t, { shared });
  const { apiBaseUrl: _none, ...record } = standins;
  const provider: Provider = { ...record, apiHosts };
  const standin = new URL(shared.standin.url);
  const sent: Sent[] = [];
  const send: typeof fetch = async (input, init: OutboundInit = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.origin === standin.origin) return fetch(input, init);
    const { publicOnly = false, redirect } = init;
    sent.push({ url, headers: new Headers(init.headers), publicOnly, redirect });
    return answer();
  };
  const service = await testService(t, { shared, vault: { provider, fetch: send } });
  const { grantId } = await service.grant();
  return { ...service, sent, at: grantId };
}

/** Whether a token was sent where it may go: to a host of the list in the form in which DNS has it, by plain https. */
function assertOnList({ url, headers, publicOnly, redirect }: Sent, about: string): void {
  assert.match(url.href, /^https:\/\/[a-z0-9-]+(?:\.[a-z0-9-]+)*\.googleapis\.com\//, about);
  assert.doesNotMatch(url.hostname, /(?:^|\.)(?:oauth2|sts|iamcredentials)\.googleapis\.com$/, about);
  assert.equal(publicOnly, true, `${about}: the name must mean a public address`);
  assert.equal(redirect, "manual", about);
  const named = "host x-forwarded-host forwarded via x-original-url x-real-ip proxy-authorization cookie".split(" ");
  for (const name of named) assert.equal(headers.get(name), null, `${about}: ${name} is passed on`);
  assert.match(headers.get("authorization") ?? "", /^Bearer ya29\./, about);
}

test(`no odd address takes a token off the list, through the proxy or from the library (ADDRESSES_SEED=${seed})`, async (t) => {
  const { sent, at, url, key, vault, faults } = await withNotes(t, () => new Response("ok"));
  const random = seeded(seed);
  const refused = new Map<string, number>();
  let reached = 0;
  const note = (code: string): void => void refused.set(code, (refused.get(code) ?? 0) + 1);
  for (let n = 0; n < 600; n += 1) {
    const odd = oddAddress(random, good);
    const target = `/v1/grants/${at}/proxy/${Buffer.from(odd.target)
      .toString("latin1")
      .replaceAll(/[\s\0]/g, "%20")}`;
    const answer = await rawRequest(url, target, { headers: { ...odd.headers, authorization: `Bearer ${key}` } });
    if (answer.status !== 200) note(String(answer.status));
    reached += sent.length;
    for (const request of sent.splice(0)) assertOnList(request, `${target} ${JSON.stringify(odd.headers)}`);
    const { ["proxy-connection"]: _hop, ...headers } = odd.headers;
    try {
      await vault.fetch(at, odd.url, { headers });
    } catch (error) {
      assert.ok(isOnbehalfError(error, "host_not_allowed") || isOnbehalfError(error, "invalid_request"), String(error));
      note(error.code);
    }
    // The library's own caller may give what headers it likes: they are about its own requests.
    for (const { url: to, publicOnly, redirect } of sent.splice(0)) {
      assert.match(to.href, /^https:\/\/[a-z0-9.-]+\.googleapis\.com\//, odd.url);
      assert.deepEqual([publicOnly, redirect], [true, "manual"], odd.url);
    }
  }
  assert.deepEqual(faults, []);
  assert.ok(reached > 20, "sound addresses are called");
  t.diagnostic(`600 addresses, each in two ways; ${reached} were sound; refused: ${JSON.stringify([...refused])}`);
});

test(`no redirect of an API is followed, wherever it leads (ADDRESSES_SEED=${seed})`, async (t) => {
  const random = seeded(seed + 1);
  let location = "";
  const status = (): number => pick(random, 301, 302, 303, 307, 308);
  const { sent, at, ask, vault } = await withNotes(
    t,
    () => new Response(null, { status: status(), headers: { location: Buffer.from(location).toString("latin1") } }),
  );
  for (let n = 0; n < 150; n += 1) {
    location = oddLocation(random, good).replaceAll(/[\s\0]/g, "");
    const answer = await ask(`/v1/grants/${at}/proxy/${good}/x`);
    assert.ok(answer.status >= 301 && answer.status <= 308, `${answer.status} for ${location}`);
    const shown = answer.headers.get("location");
    assert.ok(shown === null || /^https?:/.test(shown), `${location} goes on as ${String(shown)}`);
    await vault.fetch(at, `https://${good}/x`);
    assert.equal(sent.splice(0).length, 2, `${location}: each request is sent once`);
  }
});

/** Addresses that names may mean, those of our own network written in several ways. */
const ownAddresses = [
  "127.0.0.1",
  "127.255.0.1",
  "10.0.0.1",
  "172.16.0.1",
  "192.168.0.1",
  "169.254.169.254",
  "100.100.100.200",
  "0.0.0.0",
  "::1",
  "::",
  "::ffff:127.0.0.1",
  "::ffff:a9fe:a9fe",
  "0:0:0:0:0:ffff:a00:1",
  "64:ff9b::7f00:1",
  "fe80::1",
  "fd00:ec2::254",
  "2002:7f00:1::",
] as const;
const publicAddresses = ["8.8.8.8", "142.250.1.1", "2607:f8b0::1"] as const;

test(`a name that means a public address first and one of ours then is connected to in public alone (ADDRESSES_SEED=${seed})`, async () => {
  const random = seeded(seed + 2);
  const family = (address: string): 4 | 6 => (address.includes(":") ? 6 : 4);
  let connected = 0;
  for (let n = 0; n < 300; n += 1) {
    const answers = Array.from({ length: 4 }, () =>
      Array.from({ length: 1 + Math.floor(random() * 3) }, () =>
        pick<string>(random, ...(chance(random, 0.6) ? publicAddresses : ownAddresses)),
      ),
    );
    let asked = 0;
    const resolve = ((_name: string, _options: object, done: (error: null, found: object[]) => void) => {
      const addresses = answers[asked] ?? [];
      asked += 1;
      done(
        null,
        addresses.map((address) => ({ address, family: family(address) })),
      );
    }) as typeof lookup;
    // One connection is one look-up, whose answer the socket connects to: it never looks the name up once more.
    const look = publicLookup(resolve);
    for (const all of [true, false, true, false]) {
      const before = asked;
      const found = await new Promise<readonly string[]>((settle) => {
        look("rebinding.googleapis.com", { all }, (error, address) => {
          if (error !== null) settle([]);
          else settle(typeof address === "string" ? [address] : address.map((each) => each.address));
        });
      });
      assert.equal(asked, before + 1, "the name is looked up once");
      assert.ok(found.every(isPublicAddress), `${answers[before]?.join()} gave ${found.join()}`);
      connected += found.length;
    }
  }
  assert.ok(connected > 100, `${connected} connections`);
});
