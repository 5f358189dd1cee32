import { defined } from "../../core/defined.ts";
import { configurationInvalid } from "../../core/errors.ts";
import { openVault } from "../../index.ts";
import { settingsFrom, vaultConfig } from "../../service/settings/config.ts";
import { settingsAmong } from "../flags.ts";
import { assertThere, auditName } from "../open-vault.ts";
import { printJson, printLines, say } from "../terminal/print.ts";

/** The command's flags. */
export interface LinkFlags {
  readonly externalId: string;
  readonly returnUrl?: string;
  readonly provider?: string;
  readonly account?: string;
  readonly grant?: string;
  readonly scope?: string;
  readonly codeChallenge?: string;
  readonly loginHint?: string;
  readonly userLabel?: string;
  readonly forceConsent?: boolean;
  readonly json?: boolean;
}

/** Makes a link that a running service serves: it leads beneath the service's public URL. */
export async function link(flags: LinkFlags): Promise<void> {
  const settings = settingsFrom(settingsAmong(flags));
  const { publicUrl, returnUrls = "", appName } = settings;
  if (publicUrl === undefined) {
    throw configurationInvalid(
      "nobody has said by which URL people reach the service",
      "set ONBEHALF_PUBLIC_URL or --public-url, as for onbehalf serve: the link leads there",
    );
  }
  const config = vaultConfig(settings);
  assertThere(config.store);
  const connect = {
    baseUrl: `${publicUrl.replace(/\/+$/, "")}/connect`,
    returnUrls: returnUrls.split(/[\s,]+/).filter((each) => each !== ""),
    ...defined({ appName }),
  };
  await using vault = await openVault({ ...config, migrate: false, auditName, connect });
  const {
    externalId,
    returnUrl,
    provider,
    account,
    grant: grantId,
    scope,
    codeChallenge,
    loginHint,
    userLabel,
    forceConsent,
  } = flags;
  const scopes = scope?.split(/[\s,]+/).filter((each) => each !== "");
  const made = await vault.beginConnect({
    externalId,
    ...defined({ returnUrl, provider, account, grantId, scopes, codeChallenge, loginHint, userLabel, forceConsent }),
  });
  if (flags.json === true) {
    printJson({ connect_id: made.connectId, url: made.url, expires_at: made.expiresAt });
    return;
  }
  printLines([made.url]);
  const who =
    grantId === undefined
      ? `whoever opens it first connects an account with ${externalId}`
      : `it is for the account of ${grantId}`;
  say(`${who}; it ends at ${made.expiresAt.toISOString()}`);
}
