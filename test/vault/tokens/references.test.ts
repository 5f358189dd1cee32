/** What a process remembers of references by subject and external id, while its own and other processes change grants. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { isOnbehalfError } from "../../../src/index.ts";
import type { Grant, Vault } from "../../../src/index.ts";
import { testVault, until } from "../../support/test-vault.ts";
import type { TestVault } from "../../support/test-vault.ts";

interface TwoProcesses {
  readonly fixture: TestVault;
  readonly here: Vault;
  readonly elsewhere: Vault;
}

async function twoProcesses(t: TestContext): Promise<TwoProcesses> {
  const fixture = await testVault(t);
  return { fixture, here: await fixture.open(), elsewhere: await fixture.open() };
}

function connect({ fixture }: TwoProcesses, vault: Vault, email: string, externalId?: string): Promise<Grant> {
  return vault.exchangeCode({ code: fixture.code(email), ...(externalId === undefined ? {} : { externalId }) });
}

describe("references that a process remembers", () => {
  for (const where of ["here", "elsewhere"] as const) {
    test(`what somebody else's sign-in, refresh and end change ${where} leaves the references of others`, async (t) => {
      const two = await twoProcesses(t);
      const { here } = two;
      const ada = await connect(two, here, "ada@example.com", "user-1");
      const bob = await connect(two, here, "bob@example.com", "user-2");
      const remembered = [{ subject: ada.subject }, { externalId: "user-1" }, ada.grantId];
      for (const ref of remembered) await here.getAccessToken(ref);
      await here.getAccessToken(bob.grantId);

      await connect(two, two[where], "carol@example.com", "user-3");
      await two[where].revoke(bob.grantId);
      await until(() => here.peekAccessToken(bob.grantId) === undefined);
      for (const ref of remembered) assert.ok(here.peekAccessToken(ref), JSON.stringify(ref));
    });

    test(`a reference by external id that was looked up in vain is found once a grant has it ${where}`, async (t) => {
      const two = await twoProcesses(t);
      const { here } = two;
      const asked = { externalId: "user-9" };
      await assert.rejects(here.getAccessToken(asked), (error) => isOnbehalfError(error, "grant_not_found"));
      const { grantId } = await connect(two, two[where], "ada@example.com", "user-9");
      assert.equal((await here.getAccessToken(asked)).grantId, grantId);
    });

    test(`the references of a grant that ends ${where} are forgotten with it`, async (t) => {
      const two = await twoProcesses(t);
      const { here } = two;
      const ada = await connect(two, here, "ada@example.com", "user-1");
      const remembered = [{ subject: ada.subject }, { externalId: "user-1" }];
      for (const ref of remembered) await here.getAccessToken(ref);
      await two[where].revoke(ada.grantId);
      await until(() => remembered.every((ref) => here.peekAccessToken(ref) === undefined));
      for (const ref of remembered) {
        await assert.rejects(here.getAccessToken(ref), (error) => isOnbehalfError(error, "reauthorization_required"));
      }
    });
  }
});
