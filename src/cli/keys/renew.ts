import { setTimeout } from "node:timers/promises";
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
  readonly json?: boolean;
}): Promise<void> {
  const classes = flags.class as RotateDataKeysOptions["classes"];
  const unknown = classes?.find((each) => !["refresh", "read", "assertion"].includes(each));
  if (unknown !== undefined) {
    throw new UsageError("--class must be refresh, read or assertion", "see onbehalf keys renew --help");
  }
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
