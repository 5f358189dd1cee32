import assert from "node:assert/strict";
import { test } from "node:test";
import { isOnbehalfError } from "../../../../src/index.ts";
import { sqlite } from "../../../../src/store/sqlite/index.ts";
import type { Store } from "../../../../src/store/store.ts";
import { bentProvider } from "../../../support/bent-provider.ts";

/** A machine that stood still holds an answer that another one has stored and refreshed meanwhile. */
for (const isKnown of [false, true]) {
  test(`an answer to a code is put over no newer token, whoever still holds it: ${isKnown ? "a known" : "a new"} person`, async (t) => {
    const inner = sqlite(":memory:");
    let meanwhile: (() => Promise<unknown>) | undefined;
    const store: Store = {
      ...inner,
      async saveFromIntake(...save) {
        const first = meanwhile;
        if (first === undefined) return inner.saveFromIntake(...save);
        const isStored = await inner.saveFromIntake(...save);
        // The short way of newcomers stores nothing for somebody who is known: that is not the moment yet.
        if (!isStored) return isStored;
        meanwhile = undefined;
        await first();
        return inner.saveFromIntake(...save);
      },
    };
    const bent = await bentProvider(t, {}, { strict: true, vault: { store } });
    const { vault, clock } = bent;
    if (isKnown) await bent.connect("ada/first");
    meanwhile = async () => {
      clock.advance(3_700_000);
      const [stored] = (await vault.grants()).grants;
      return vault.getAccessToken(stored?.grantId ?? "");
    };
    const { grantId } = await bent.connect("ada/second");
    assert.equal(meanwhile, undefined, "nothing was stored meanwhile");
    const { generation } = await vault.grant(grantId);
    assert.equal(generation, isKnown ? 3 : 2);
    clock.advance(3_700_000);
    await vault.getAccessToken(grantId).catch((error: unknown) => {
      assert.ok(isOnbehalfError(error));
      assert.fail(`the used refresh token was sent: ${error.code}`);
    });
  });
}
