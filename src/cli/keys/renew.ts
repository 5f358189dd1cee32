import { existsSync, readdirSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { defined } from "../../core/defined.ts";
import { configurationInvalid } from "../../core/errors.ts";
import { rescuePath } from "../../service/rescue-problem.ts";
import { settingsFrom } from "../../service/settings/config.ts";
import { settingsAmong } from "../flags.ts";
import { keyStatus, rotateDataKeys } from "../../index.ts";
import type { KeyStatus, RotateDataKeysOptions } from "../../index.ts";
import { openWithoutClient, withKeys } from "../open-vault.ts";
import { printJson, say } from "../terminal/print.ts";
import { UsageError } from "../terminal/usage-error.ts";

/** How often it is looked whether the rotation has come to its end, milliseconds. */
const lookEveryMs = 1_000;

/**
 * Adds new data keys, and waits until everything is sealed with them. The vault that it opens meanwhile does that itself,
 * together with the services that run.
 */
export async function renew(flags: {
  readonly class?: readonly string[];
  readonly wait: boolean;
  /** Milliseconds. */
  readonly eraseRetired?: number;
  readonly json?: boolean;
}): Promise<void> {
  const classes = flags.class as RotateDataKeysOptions["classes"];
  const unknown = classes?.find((each) => !["refresh", "read", "assertion"].includes(each));
  if (unknown !== undefined) {
    throw new UsageError("--class must be refresh, read or assertion", "see onbehalf keys renew --help");
  }
  if (flags.eraseRetired !== undefined) return eraseRetired(flags, flags.eraseRetired, classes);
  const added = await withKeys(flags, ({ store, keyring }) =>
    rotateDataKeys(store, keyring, classes === undefined ? {} : { classes }),
  );
  say(added.length === 0 ? "these data keys are being replaced already" : `data keys added: ${added.join(", ")}`);
  if (!flags.wait) {
    if (flags.json === true) printJson({ added, done: false });
    return;
  }
  const vault = await openWithoutClient(flags);
  try {
    await withKeys(flags, async ({ store, keyring }) => {
      let told = "";
      for (;;) {
        const status = await keyStatus(store, keyring);
        const text = progressText(status);
        if (text === undefined) return;
        if (text !== told) say(text);
        told = text;
        await setTimeout(lookEveryMs);
      }
    });
  } finally {
    await vault.close();
  }
  if (flags.json === true) printJson({ added, done: true });
  say("done: nothing is left under the keys before; onbehalf keys status shows them");
}

/** Erases keys under which nothing is left, once nobody can come back with something that they have sealed. */
async function eraseRetired(
  flags: { readonly json?: boolean },
  eraseRetiredMs: number,
  classes: RotateDataKeysOptions["classes"],
): Promise<void> {
  const erased = await withKeys(flags, async ({ store, keyring }) => {
    const waiting = answersIn(rescuePath(store, settingsFrom(settingsAmong(flags)).rescueDir));
    if (waiting > 0) {
      throw configurationInvalid(
        `${waiting} answer${waiting === 1 ? " waits" : "s wait"} in the rescue folder, and may be sealed under an old key`,
        "start the service on the store: it stores them by itself; then erase the keys",
      );
    }
    return rotateDataKeys(store, keyring, defined({ eraseRetiredMs, classes }));
  });
  if (flags.json === true) printJson({ erased });
  say(
    erased.length === 0
      ? "no data key is retired for so long, or keys are being replaced"
      : `data keys erased: ${erased.join(", ")}`,
  );
}

function answersIn(path: string | undefined): number {
  if (path === undefined || !existsSync(path)) return 0;
  return readdirSync(path).filter((name) => name.endsWith(".answer")).length;
}

/** What is left to do for keys that seal; undefined where nothing is. */
export function progressText({ dataKeys, rotation }: KeyStatus): string | undefined {
  const sealing = dataKeys.filter(({ keyClass }) => keyClass !== "assertion");
  if (rotation === undefined || !sealing.some(({ state }) => state === "next" || state === "previous"))
    return undefined;
  const { waitsFor, round, fraction, resealed } = rotation;
  if (waitsFor.length > 0) {
    const names = waitsFor.map(({ host, pid }) => `process ${pid} on ${host}`);
    return `waiting for ${names.join(", ")} to read the new keys`;
  }
  if (sealing.some(({ state }) => state === "next")) return "every program is reading the new keys";
  const percent = Math.round(fraction * 100);
  return `${round === 0 ? "sealing" : "looking for what is left"}: about ${percent} %, ${resealed} values sealed anew`;
}
