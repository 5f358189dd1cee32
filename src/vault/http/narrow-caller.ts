import { defined } from "../../core/defined.ts";
import { OnbehalfError, invalidRequest } from "../../core/errors.ts";
import { shownText } from "../../core/secret-likeness.ts";
import { beyondMaker } from "../../core/session.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import type { CallerRow } from "../../store/caller-store.ts";
import { withRights } from "./caller-rights.ts";
import { callerOf, sealSelectors } from "./caller.ts";
import type { NarrowCallerOptions } from "./caller.ts";

/**
 * A caller's row with fewer rights. Its keys, and what was used when, stay as they are.
 *
 * @param row as its rights were written by us
 * @throws {OnbehalfError} `forbidden`: it would be wider in something
 * @throws {OnbehalfError} `invalid_request`: nothing would change
 */
export async function narrowedRow(keyring: Sealer, row: CallerRow, options: NarrowCallerOptions): Promise<CallerRow> {
  const { expiresAt, ...rights } = options;
  const before = callerOf(keyring, row);
  if (Object.values(options).every((each) => each === undefined)) {
    throw invalidRequest(
      `nothing says in what ${row.name} is to be narrowed`,
      "name what it keeps: allow, grants, providers, or expiresAt",
    );
  }
  if (options.providers?.length === 0) {
    throw invalidRequest("providers must not be an empty list", "name a provider, or leave it out", "providers");
  }
  const { allow, grants, providers } = { ...before, ...defined(rights) };
  const after = { allow: [...new Set(allow)], grants: [...new Set(grants)], ...defined({ providers }) };
  // Which ids the selectors of before fit beside those that they name, nobody looks up: a name less, where in doubt.
  const beyond = await beyondMaker(after, before, () => Promise.resolve(false));
  if (beyond !== undefined) throw wider(row.name, `${beyond.what} ${shownText(beyond.value)}`);
  if (expiresAt !== undefined && expiresAt.getTime() > (row.expiresAt ?? Infinity)) {
    throw wider(row.name, `an end after ${new Date(row.expiresAt ?? 0).toISOString()}`);
  }
  return withRights(keyring, {
    ...row,
    permissions: JSON.stringify(after.allow),
    grantsSealed: sealSelectors(keyring, row.callerId, after.grants),
    providers: after.providers === undefined ? null : JSON.stringify([...new Set(after.providers)]),
    expiresAt: expiresAt?.getTime() ?? row.expiresAt,
  });
}

function wider(name: string, what: string): OnbehalfError<"forbidden"> {
  return new OnbehalfError("forbidden", `${name} does not have ${what} now, and narrowing gives a caller nothing`, {
    hint: "name less than it has; for more, make another caller, or revoke this one and create it anew",
    details: {},
  });
}
