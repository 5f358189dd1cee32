import { grantStates } from "../../src/core/grant-state.ts";
import type { GrantFilter } from "../../src/store/store.ts";

/** What each property of a filter is given, beside nothing; a new property must be given something here, too. */
const given: { readonly [Property in keyof Required<GrantFilter>]: readonly GrantFilter[Property][] } = {
  state: [undefined, ...grantStates],
  at: [undefined, 9_000_000_000_000],
  subjectHash: [undefined, Buffer.from("subject 100"), Buffer.from("nobody")],
  externalHash: [undefined, Buffer.from("external 100"), Buffer.from("nobody")],
  account: [
    undefined,
    { accountHash: Buffer.from("account 100"), subjectHash: Buffer.from("subject 100") },
    { accountHash: Buffer.from("nobody"), subjectHash: Buffer.from("nobody") },
  ],
  withLateAnswers: [undefined, true],
  after: [undefined, "g_1", "g_999999999"],
  limit: [1, 501],
};

/** Every list that can be asked for, as far as its statement or its cost can differ. */
export function allLists(): GrantFilter[] {
  let lists: readonly Record<string, unknown>[] = [{}];
  for (const [property, values] of Object.entries(given)) {
    const longer: Record<string, unknown>[] = [];
    for (const list of lists) {
      for (const value of values) longer.push(value === undefined ? list : { ...list, [property]: value });
    }
    lists = longer;
  }
  return lists as unknown as GrantFilter[];
}
