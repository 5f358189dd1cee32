/** Names of the settings, each an environment variable and a flag. */
export const settingNames = {
  store: "ONBEHALF_STORE",
  storeDirect: "ONBEHALF_STORE_DIRECT",
  key: "ONBEHALF_KEY",
  keyFile: "ONBEHALF_KEY_FILE",
  clientSecretFile: "ONBEHALF_CLIENT_SECRET_FILE",
  clientId: "ONBEHALF_CLIENT_ID",
  clientSecret: "ONBEHALF_CLIENT_SECRET",
  googleBaseUrl: "ONBEHALF_GOOGLE_BASE_URL",
  rotation: "ONBEHALF_ROTATION",
  popupRedirectUri: "ONBEHALF_POPUP_REDIRECT_URI",
  keeper: "ONBEHALF_KEEPER",
  exchangesPerSecond: "ONBEHALF_EXCHANGES_PER_SECOND",
  allowedOrigins: "ONBEHALF_ALLOWED_ORIGINS",
  publicUrl: "ONBEHALF_PUBLIC_URL",
  logLevel: "ONBEHALF_LOG_LEVEL",
  host: "HOST",
  port: "PORT",
} as const;

export type Setting = keyof typeof settingNames;
export type Settings = Readonly<Partial<Record<Setting, string>>>;

/** Settings that say the same thing in another way: a flag for one leaves these of the environment aside. */
export const overrules: Readonly<Partial<Record<Setting, readonly Setting[]>>> = {
  key: ["keyFile"],
  keyFile: ["key"],
  clientSecretFile: ["clientId", "clientSecret"],
  clientId: ["clientSecretFile"],
  clientSecret: ["clientSecretFile"],
};
