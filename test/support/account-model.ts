/** Accounts of the app's users, as they should be after any sign-ins, moves and revocations; and what a vault makes of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { asyncProperty, array, boolean, assert as check, constantFrom, option, record } from "fast-check";
import { generateMasterKey, google, isOnbehalfError, keyringFromKeys, openVault } from "../../src/index.ts";
import type { Grant, GrantRef, Store, Vault } from "../../src/index.ts";
import { sharedStandin } from "./test-vault.ts";

const people = ["ada@example.com", "carl@example.com", "eve@example.com"];
const users = ["user-1", "user-2"];
const labels = ["work", "home"];

/** A person signs in; for a user of the app, where one is named. Or somebody disconnects the person's account. */
export interface AccountStep {
  readonly person: string;
  readonly revokes: boolean;
  readonly user: string | undefined;
  readonly label: string | undefined;
  readonly moves: boolean;
}

const steps = array(
  record({
    person: constantFrom(...people),
    revokes: constantFrom(false, false, false, true),
    user: option(constantFrom(...users), { nil: undefined, freq: 6 }),
    label: option(constantFrom(...labels), { nil: undefined }),
    moves: boolean(),
  }),
  { minLength: 1, maxLength: 14 },
);

interface Account {
  subject: string;
  grantId: string;
  ties: Map<string, string>;
  /** In which step it was revoked; undefined while it is in use. */
  endedAt: number | undefined;
}

type Outcome = { readonly conflict?: { readonly account: string; readonly heldBy: string } };

/** What docs/http-api.md promises, as plainly as it can be said. */
class AccountModel {
  readonly accounts = new Map<string, Account>();

  signIn(
    { person, user, label, moves }: AccountStep,
    { subject, grantId }: Pick<Grant, "subject" | "grantId">,
  ): Outcome {
    const account = this.accounts.get(person) ?? { subject, grantId, ties: new Map(), endedAt: undefined };
    this.accounts.set(person, account);
    const before = account.ties;
    const isBack = account.endedAt !== undefined;
    account.endedAt = undefined;
    if (user === undefined) {
      if (isBack && before.size > 1) account.ties = new Map();
      return {};
    }
    const wanted = label ?? before.get(user) ?? subject;
    const others = [...this.accounts.values()].filter((other) => other !== account && other.ties.has(user));
    const holder = others.find((other) => other.endedAt === undefined && other.ties.get(user) === wanted);
    if (holder !== undefined && !moves) {
      if (isBack) account.ties = new Map();
      return { conflict: { account: wanted, heldBy: holder.grantId } };
    }
    const rivals = others.filter((other) => other.endedAt === undefined);
    const losers = !moves ? [] : label === undefined ? rivals : rivals.filter((other) => other === holder);
    const changes = before.get(user) !== wanted || losers.length > 0;
    // Who takes a user or a label takes the user from all accounts that were ended.
    for (const other of others) {
      if (losers.includes(other) || (changes && other.endedAt !== undefined)) other.ties.delete(user);
    }
    account.ties = isBack ? new Map([[user, wanted]]) : new Map(before).set(user, wanted);
    return {};
  }

  /** The accounts that a user, and one of the user's labels, means. */
  meant(user: string, label?: string): readonly Account[] {
    const known = [...this.accounts.values()].filter(
      ({ ties }) => ties.has(user) && (label === undefined || ties.get(user) === label),
    );
    const living = known.filter(({ endedAt }) => endedAt === undefined);
    if (living.length > 0) return living;
    return known.sort((one, other) => (other.endedAt ?? 0) - (one.endedAt ?? 0)).slice(0, 1);
  }
}

/**
 * Whatever people of the app connect, rename, move and disconnect, in whatever order: each reference means what it should.
 *
 * @param runs how many sequences of steps; a failure prints the seed that repeats it
 */
export function accountProperties(name: string, open: (t: TestContext) => Promise<Store>, runs: number): void {
  test(`${name}: each user and label means the account that it should, after any sign-ins, moves and revocations`, async (t) => {
    const { standin, clock } = await sharedStandin();
    t.after(() => standin.close());
    const { clientId, clientSecret, url } = standin;
    await check(
      asyncProperty(steps, async (sequence) => {
        await using vault = await openVault({
          provider: google({ clientId, clientSecret, baseUrl: url }),
          store: await open(t),
          keyring: keyringFromKeys(generateMasterKey()),
          clock,
        });
        const model = new AccountModel();
        for (const [n, step] of sequence.entries()) {
          clock.advance(1_000);
          const known = model.accounts.get(step.person);
          if (!step.revokes)
            await signIn(vault, model, step, standin.code({ email: step.person, scope: "openid email" }));
          else if (known !== undefined && known.endedAt === undefined) {
            await vault.revoke(known.grantId);
            known.endedAt = n;
          }
          await compare(vault, model);
        }
      }),
      { numRuns: runs },
    );
  });
}

async function signIn(vault: Vault, model: AccountModel, step: AccountStep, code: string): Promise<void> {
  const { user, label, moves } = step;
  const named =
    user === undefined
      ? {}
      : { externalId: user, ...(label === undefined ? {} : { account: label }), moveExternalId: moves };
  try {
    const grant = await vault.exchangeCode({ code, ...named });
    assert.deepEqual(model.signIn(step, grant), {});
  } catch (error) {
    if (!isOnbehalfError(error, "external_id_conflict")) throw error;
    const { grantId = "", account, heldBy } = error.details;
    const { subject } = await vault.grant(grantId);
    assert.deepEqual(model.signIn(step, { subject, grantId }), { conflict: { account, heldBy } });
  }
}

async function compare(vault: Vault, model: AccountModel): Promise<void> {
  for (const { grantId, ties, endedAt } of model.accounts.values()) {
    const { externalIds, state } = await vault.grant(grantId);
    assert.deepEqual(new Map(externalIds.map(({ externalId, account }) => [externalId, account])), ties);
    assert.equal(state === "revoked", endedAt !== undefined);
  }
  const subjects = [...model.accounts.values()].map(({ subject }) => subject);
  for (const user of users) {
    for (const label of [undefined, ...labels, ...subjects]) {
      const meant = model.meant(user, label).map(({ grantId }) => grantId);
      const ref = { externalId: user, ...(label === undefined ? {} : { account: label }) };
      assert.deepEqual(new Set(await foundBy(vault, ref)), new Set(meant), `${user} ${label ?? ""}`);
    }
    const listed = (await vault.grants({ externalId: user })).grants.map(({ grantId }) => grantId);
    const known = [...model.accounts.values()].filter(({ ties }) => ties.has(user)).map(({ grantId }) => grantId);
    assert.deepEqual(new Set(listed), new Set(known));
  }
  for (const label of labels) {
    const listed = (await vault.grants({ account: label })).grants.map(({ grantId }) => grantId);
    const known = [...model.accounts.values()].filter(({ ties }) => [...ties.values()].includes(label));
    assert.deepEqual(new Set(listed), new Set(known.map(({ grantId }) => grantId)));
  }
}

/** Which grants a reference fits: through memory, where it is there, as a caller asks. */
async function foundBy(vault: Vault, ref: GrantRef): Promise<readonly string[]> {
  try {
    const { grantId } = await vault.grant(ref);
    const token = await vault.getAccessToken(ref).catch((error: unknown) => {
      assert.ok(isOnbehalfError(error, "reauthorization_required"), String(error));
      return { grantId: error.details.grantId };
    });
    assert.equal(token.grantId, grantId);
    return [grantId];
  } catch (error) {
    if (isOnbehalfError(error, "grant_not_found")) return [];
    assert.ok(isOnbehalfError(error, "ambiguous_grant"), String(error));
    await assert.rejects(vault.getAccessToken(ref), (other) => isOnbehalfError(other, "ambiguous_grant"));
    return error.details.grantIds;
  }
}
