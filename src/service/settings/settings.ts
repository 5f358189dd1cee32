/** The settings, each with its environment variable. Its flag is the key in kebab-case: `--client-id`. */
export const settingNames = {
  store: "ONBEHALF_STORE",
  storeDirect: "ONBEHALF_STORE_DIRECT",
  rescueDir: "ONBEHALF_RESCUE_DIR",
  key: "ONBEHALF_KEY",
  keyFile: "ONBEHALF_KEY_FILE",
  openKeyFile: "ONBEHALF_OPEN_KEY_FILE",
  keyCommand: "ONBEHALF_KEY_COMMAND",
  clientSecretFile: "ONBEHALF_CLIENT_SECRET_FILE",
  clientId: "ONBEHALF_CLIENT_ID",
  clientSecret: "ONBEHALF_CLIENT_SECRET",
  providersFile: "ONBEHALF_PROVIDERS_FILE",
  googleBaseUrl: "ONBEHALF_GOOGLE_BASE_URL",
  googleDpop: "ONBEHALF_GOOGLE_DPOP",
  rotation: "ONBEHALF_ROTATION",
  privateApis: "ONBEHALF_PRIVATE_APIS",
  popupRedirectUri: "ONBEHALF_POPUP_REDIRECT_URI",
  keeper: "ONBEHALF_KEEPER",
  exchangesPerSecond: "ONBEHALF_EXCHANGES_PER_SECOND",
  tokenMemoryMb: "ONBEHALF_TOKEN_MEMORY_MB",
  webhookUrl: "ONBEHALF_WEBHOOK_URL",
  webhookSecret: "ONBEHALF_WEBHOOK_SECRET",
  eventsKeptDays: "ONBEHALF_EVENTS_KEPT_DAYS",
  consentEndsSoonDays: "ONBEHALF_CONSENT_ENDS_SOON_DAYS",
  allowedOrigins: "ONBEHALF_ALLOWED_ORIGINS",
  allowedHosts: "ONBEHALF_ALLOWED_HOSTS",
  publicUrl: "ONBEHALF_PUBLIC_URL",
  returnUrls: "ONBEHALF_RETURN_URLS",
  appName: "ONBEHALF_APP_NAME",
  trustedIssuersFile: "ONBEHALF_TRUSTED_ISSUERS_FILE",
  logLevel: "ONBEHALF_LOG_LEVEL",
  host: "HOST",
  port: "PORT",
  metricsPort: "ONBEHALF_METRICS_PORT",
  dashboard: "ONBEHALF_DASHBOARD",
} as const;

/** The name of a setting. */
export type Setting = keyof typeof settingNames;
/** What was set, as text and unchecked. */
export type Settings = Readonly<Partial<Record<Setting, string>>>;

/** Settings that say the same thing in another way. A flag for one of them makes us ignore the variables of the others. */
export const overrules: Readonly<Partial<Record<Setting, readonly Setting[]>>> = {
  key: ["keyFile", "keyCommand"],
  keyFile: ["key", "keyCommand"],
  keyCommand: ["key", "keyFile"],
  clientSecretFile: ["clientId", "clientSecret"],
  clientId: ["clientSecretFile"],
  clientSecret: ["clientSecretFile"],
};
