/** Which settings and variables are secret. Pure: what is done with them does not belong here. */
import { settingNames } from "../settings/settings.ts";
import type { Setting, Settings } from "../settings/settings.ts";

/** The settings that open what is sealed, or speak to the provider in our name. Only the keeper needs them. */
const secretSettings: readonly Setting[] = ["key", "keyCommand", "clientSecret", "webhookSecret"];

/** A URL with a password in it. */
const withPassword = /[a-z][a-z0-9+.-]*:\/\/[^\s/@:]*:[^\s/@]+@|[?&\s]password=/i;

/** Names by which programs call secrets. Those that name a file with one do not end so. */
const secretName = /(?:^|_|^PG)(?:API_?KEY|KEYS?|SECRETS?|TOKENS?|PASSWORDS?|PASSWD|PASS|PWD|CREDENTIALS?)(?:_?\d+)?$/i;

/** Keys of callers, sessions and handles, master keys, Google's client secrets and tokens, private keys. */
const secretValue = /\bob[hkms]_[\w-]{16,}|GOCSPX-|\b1\/\/0|\bya29\.|\bwhsec_|-----BEGIN [A-Z ]*PRIVATE KEY/;

/** Variables of a database's driver and of proxies: who serves needs them, too, but not where others can list them. */
const forServing = /^PG|_PROXY$/i;

/** Whether others must not see a setting's value. */
export function isSecretSetting(name: Setting, value: string): boolean {
  return secretSettings.includes(name) || withPassword.test(value) || secretValue.test(value);
}

/** What is secret, and who needs it. */
export interface DividedSecrets {
  /** What the process that serves may have from its start: nothing secret. */
  readonly open: NodeJS.ProcessEnv;
  /** For the process that serves, once it runs. */
  readonly serving: HeldSecrets;
  /** For the keeper. */
  readonly keeper: HeldSecrets;
}

/** Settings and variables of one process. */
export interface HeldSecrets {
  readonly settings: Settings;
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * Divides what the operator gave among the two processes.
 *
 * @param settings from flags and environment together
 * @param environment of the process that the operator has started
 * @param named variables that the file of providers says to be secret
 */
export function divideSecrets(
  settings: Settings,
  environment: NodeJS.ProcessEnv,
  named: readonly string[] = [],
): DividedSecrets {
  const secrets = [
    ...secretSettings.map((name) => settings[name]),
    ...named.map((name) => environment[name]?.trim()),
  ].flatMap((secret) => (secret === undefined || secret === "" ? [] : [secret]));
  const isSecret = (name: string, value: string): boolean =>
    // The settings themselves are handed on as settings.
    Object.values<string>(settingNames).some((known) => known === name && name.startsWith("ONBEHALF_")) ||
    (secretName.test(name) && !/^(?:OLD)?PWD$/.test(name)) ||
    secretValue.test(value) ||
    withPassword.test(value) ||
    secrets.some((secret) => value.includes(secret));
  const all = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined ? [] : ([[name, value]] as const),
  );
  const hidden = all.filter(([name, value]) => isSecret(name, value));
  const shared = hidden.filter(([name]) => forServing.test(name));
  const settingVariables = new Set<string>(Object.values(settingNames));
  const others = hidden.filter(([name]) => !settingVariables.has(name));
  return {
    open: Object.fromEntries(all.filter(([name, value]) => !isSecret(name, value))),
    serving: {
      settings: Object.fromEntries(
        Object.entries(settings).filter(([name]) => !secretSettings.includes(name as Setting)),
      ),
      variables: Object.fromEntries(shared),
    },
    keeper: { settings, variables: Object.fromEntries(others) },
  };
}
