import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import { mcpOAuthProvider } from "../../src/mcp/index.ts";
import { agree } from "../standin/mcp/app.ts";
import { mcpFixture, redirectUri } from "./connected-person.ts";
import { sdks } from "./sdks.ts";

for (const [version, sdk] of sdks) {
  test(`SDK ${version} never sees a refresh token: in no request of its own, no answer to it and nothing that it saves`, async (t) => {
    const issued = new Set<string>();
    const toVault: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      const body = (await response
        .clone()
        .json()
        .catch(() => ({}))) as { refresh_token?: string };
      if (body.refresh_token !== undefined) issued.add(body.refresh_token);
      return response;
    };
    const fixture = await mcpFixture(t, { fetch: toVault });
    const seen: string[] = [];
    const bySdk: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      const text = init?.method === "GET" ? "" : await response.clone().text();
      const url = input instanceof Request ? input.url : new URL(input).href;
      const body = init?.body instanceof URLSearchParams ? init.body.toString() : init?.body;
      seen.push(inspect([url, init?.headers, body], { depth: 5, showHidden: true }), text);
      // The answer that stands in a URL.
      if (url.startsWith("data:")) seen.push(atob(url.split(",")[1] ?? ""));
      return response;
    };
    const sentTo: URL[] = [];
    const provider = mcpOAuthProvider(fixture.vault, {
      provider: "tools",
      externalId: "user-1",
      redirectUrl: redirectUri,
      onRedirect: (url) => void sentTo.push(url),
    });
    for (const method of ["saveTokens", "tokens", "clientInformation", "discoveryState"] as const) {
      const own = provider[method].bind(provider) as (...args: unknown[]) => Promise<unknown>;
      Object.defineProperty(provider, method, {
        value: (...args: unknown[]) => {
          // At once, as the SDK calls it: what is noted of a request goes on from there.
          const result = own(...args);
          return result.then((value) => {
            seen.push(JSON.stringify([args, value]));
            return value;
          });
        },
      });
    }
    const client = sdk(fixture.standin.server, provider, bySdk);
    await assert.rejects(client.connect(), /[Uu]nauthorized/);
    await client.finishAuth(await agree(sentTo[0]));
    const next = sdk(fixture.standin.server, provider, bySdk);
    await next.connect();
    for (let hour = 0; hour < 3; hour += 1) {
      fixture.clock.advance(3_700_000);
      await next.call("add", { a: 1, b: 1 });
    }
    // A refresh that the SDK asks for.
    await provider.clientInformation();
    await next.close();
    assert.equal(issued.size, 4);
    assert.ok(seen.some((text) => text.includes("access_token")));
    const everything = seen.join("\n") + inspect(provider, { depth: 8, showHidden: true });
    for (const token of issued) assert.ok(!everything.includes(token));
    // Nor what the client proves itself with.
    assert.ok(!everything.includes('client_secret":'));
  });
}
