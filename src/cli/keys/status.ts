import { keyStatus } from "../../index.ts";
import type { KeyStatus } from "../../index.ts";
import { keyStatusBody } from "../../service/http/json-bodies.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { printJson, printLines, say, table } from "../terminal/print.ts";
import { withKeys } from "../open-vault.ts";
import { progressText } from "./renew.ts";

/** Shows which master key wraps how many data keys. Changes nothing; fails where a key that is needed was not given. */
export async function status(flags: { readonly json?: boolean }): Promise<void> {
  const found = await withKeys(flags, ({ store, keyring }) => keyStatus(store, keyring));
  if (flags.json === true) printJson(keyStatusBody(found));
  else print(found);
  if (found.dataKeys.some((key) => !key.opens)) process.exitCode = exitCodes.failed;
}

function print(status: KeyStatus): void {
  const { instance, masterKeys, dataKeys } = status;
  if (instance === undefined)
    say("the store has no keys yet: it will be sealed with the first of the given keys when it is first used");
  printLines(
    table(
      ["MASTER KEY", "GIVEN", "WRAPS"],
      masterKeys.map(({ masterKeyId, given, wraps }) => [masterKeyId, given ? "yes" : "no", String(wraps)]),
    ),
  );
  // A store whose data keys were never replaced has one of each class, and nothing to say of them.
  if (dataKeys.some(({ state }) => state !== "current")) {
    printLines([
      "",
      ...table(
        ["DATA KEY", "CLASS", "STATE", "SINCE"],
        dataKeys.map(({ keyId, keyClass, state, since }) => [
          String(keyId),
          keyClass,
          state,
          since?.toISOString() ?? "the beginning",
        ]),
      ),
    ]);
  }
  const retired = dataKeys.filter(({ state, since }) => state === "retired" && since !== undefined);
  if (retired.length > 0 && status.rotation === undefined) {
    const numbers = retired.map(({ keyId }) => keyId).join(", ");
    say(
      `nothing stored is under the retired data keys ${numbers}; once no backup from before is kept either: ` +
        "onbehalf keys renew --erase-retired 90d",
    );
  }
  const progress = progressText(status);
  if (progress !== undefined) say(progress);
  const closed = dataKeys.filter((key) => !key.opens);
  if (closed.length > 0) {
    say(
      `${closed.length} of ${dataKeys.length} data keys cannot be opened: give the master key that wraps them as well`,
    );
  } else if (masterKeys.some(({ given, wraps }) => given && wraps === 0) && instance !== undefined) {
    say("a key that wraps nothing is either new (run: onbehalf keys rotate) or no longer needed (remove it)");
  }
}
