import { existsSync, mkdirSync } from "node:fs";
import { generateMasterKey, parseClientSecretJson } from "../../index.ts";
import { defined } from "../../core/defined.ts";
import { configurationInvalid, configurationProblems } from "../../core/errors.ts";
import { shownPath } from "../../core/secret-likeness.ts";
import { serviceConfig } from "../../service/settings/config.ts";
import { keyOnce } from "../callers/key-once.ts";
import { writeNewFile } from "../new-file.ts";
import { openWithoutClient } from "../open-vault.ts";
import { printJson, printLines, say } from "../terminal/print.ts";
import { answers } from "./answers.ts";
import { clientFacts, consoleSteps } from "./console-steps.ts";
import type { InitFlags } from "./init-flags.ts";
import { planOf } from "./plan.ts";
import type { Plan } from "./plan.ts";
import { ownCommand, report, shown } from "./report.ts";
import { settingsFile } from "./settings-file.ts";

/**
 * Writes what the service needs to start, into a folder: settings, a master key, a store with a first caller. What is
 * there already is never changed: everything is looked at first, and nothing is written where anything is in the way.
 */
export async function init(flags: InitFlags): Promise<void> {
  const given = await answers(flags);
  const plan = planOf(given);
  const text = settingsFile(plan.files.settings, plan.settings);
  const key = generateMasterKey();
  assertNew(plan);
  assertStarts(plan, key.expose());
  makeFolder(plan.folder);
  writeNewFile(plan.files.key, `${key.expose()}\n`);
  if (plan.files.client !== undefined) writeNewFile(plan.files.client, `${plan.client}\n`);
  writeNewFile(plan.files.settings, text);
  await createCaller(plan);

  const { clientId, ...client } = clientFacts(plan.client);
  const { publicUrl, origin } = given;
  const steps = plan.standin === undefined ? consoleSteps(client, defined({ publicUrl, origin })) : [];
  if (flags.json === true) {
    printJson({
      settings: plan.files.settings,
      key_file: plan.files.key,
      caller: plan.caller,
      allow: plan.allow,
      caller_key_file: plan.files.caller,
      client_id: clientId,
      client_secret_file: plan.settings.clientSecretFile,
      standin: plan.standin,
      console: steps,
    });
  } else printLines(report(plan, clientId, steps, ownCommand(process.env)));
  say(`keep a copy of ${shown(plan.files.key)} apart from the database: without it, no grant can be opened`);
}

function assertNew({ files }: Plan): void {
  const there = Object.values(files).filter((path) => existsSync(path));
  if (there.length === 0) return;
  throw configurationProblems(
    there.map((path) => `${shownPath(shown(path))} exists already`),
    "nothing was written: name another folder with --dir, or go on with what is there",
  );
}

/** Looks at the settings as the service will, before anything is written: with what is to stand in the files. */
function assertStarts({ settings, files, client }: Plan, key: string): void {
  const { keyFile: _key, clientSecretFile, ...others } = settings;
  const { clientId, clientSecret } = parseClientSecretJson(
    client,
    shownPath(clientSecretFile ?? ""),
    settings.googleBaseUrl,
  );
  serviceConfig(
    defined({
      ...others,
      // The folder of a new file may still have to be made.
      store: files.store === undefined ? settings.store : "sqlite::memory:",
      key,
      clientId,
      clientSecret: clientSecret?.expose(),
    }),
  );
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw configurationInvalid(
      `the folder ${shownPath(shown(folder))} cannot be made`,
      "name another folder with --dir",
      cause,
    );
  }
}

async function createCaller({ files, settings, caller, allow }: Plan): Promise<void> {
  try {
    await keyOnce(files.caller, async () => {
      const { store, keyFile } = settings;
      await using vault = await openWithoutClient(defined({ store, keyFile }), { mayCreate: true });
      return await vault.callers.create(caller, { allow });
    });
  } catch (error) {
    // The master key may have sealed the store by now, so it stays.
    const rest = `--allow ${allow.join(",")} --out ${shown(files.caller)} --config ${shown(files.settings)}`;
    say(
      `the settings and the master key are written; when this is mended, go on with: onbehalf callers create ${caller} ${rest}`,
    );
    throw error;
  }
}
