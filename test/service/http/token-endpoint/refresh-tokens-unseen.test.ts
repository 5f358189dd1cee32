import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { exchangeGrantType } from "../../../../src/service/http/token-endpoint/by-token-exchange.ts";
import { findSecret } from "../../../support/secret-encodings.ts";
import { rotations } from "../../../support/rotations.ts";
import { testVault } from "../../../support/test-vault.ts";
import { endpointOver } from "../../../support/token-endpoint.ts";

const handleType = "urn:onbehalf:params:token-type:grant-handle";

for (const { name, rotation, standin } of rotations) {
  test(`through a handle's whole life, no answer, event or file shows a refresh token, a handle or a key: rotation ${name}`, async (t) => {
    const fixture = await testVault(t, { ...standin, provider: { rotation } });
    const issued = new Set<string>();
    let accessToken = "";
    const vault = await fixture.open({
      fetch: async (input, init) => {
        const response = await fetch(input, init);
        const text = await response.clone().text();
        const token = /"refresh_token"\s*:\s*"([^"]+)"/.exec(text)?.[1];
        if (token !== undefined) issued.add(token);
        accessToken = /"access_token"\s*:\s*"([^"]+)"/.exec(text)?.[1] ?? accessToken;
        return response;
      },
    });
    const { ask, client, newClient, newHandle, grantId, secret } = await endpointOver(fixture, vault);
    const others = new Set([secret, client.key]);
    const said: string[] = [];
    const hear = async (response: Response): Promise<void> => {
      said.push(`${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`);
    };
    const askAll = async (): Promise<void> => {
      await hear(await ask());
      await hear(await ask({ grant_type: exchangeGrantType, subject_token: secret, subject_token_type: handleType }));
      await hear(await ask({}, await newClient()));
      for (const token of issued) await hear(await ask({ refresh_token: token }));
      for (const token of issued) await hear(await ask({ client_secret: token }));
    };

    await askAll();
    for (let hour = 0; hour < 3; hour += 1) {
      fixture.clock.advance(3_700_000);
      await askAll();
    }
    const second = await newHandle({ expiresInSeconds: 60 });
    others.add(second.secret);
    fixture.clock.advance(61_000);
    await hear(await ask({ refresh_token: second.secret }));
    fixture.standin.fault("POST", "/token", { times: 1, status: 500 });
    fixture.clock.advance(3_700_000);
    await askAll();
    await vault.revoke({ grantId });
    await askAll();

    assert.ok(issued.size >= 1 && said.length > 20);
    const heard = Buffer.from(said.join("\n"));
    assert.equal(findSecret(heard, accessToken), "as it is", "what is there is found");
    const events = Buffer.from(JSON.stringify(fixture.events));
    const folder = dirname(fixture.path);
    const files = await Promise.all(
      (await readdir(folder, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map((entry) => readFile(join(entry.parentPath, entry.name))),
    );
    for (const each of [...issued, ...others]) {
      for (const bytes of [heard, events, ...files]) assert.equal(findSecret(bytes, each), undefined);
    }
  });
}
