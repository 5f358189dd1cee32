import type { Reason } from "./reasons.ts";

/** The words by which providers say why, and the numbers of Entra's catalogue, by the reason that they name. */
const wordsBy: Readonly<Partial<Record<Reason, string>>> = {
  session_control: "invalid_rapt rapt_required 70043",
  consent_required: "consent_required 65001 65004 90094 90095 90123",
  second_factor_required:
    "mfa_required mfa_enrollment_required mfa_registration_required 50072 50074 50076 50078 50079 50158",
  reauthentication_required:
    "interaction_required login_required account_selection_required unmet_authentication_requirements " +
    "insufficient_user_authentication basic_action user_password_expired unverified_user_email " +
    "16000 50055 50058 50125 50132 50133 50135 50144 700020",
  admin_policy_enforced:
    "admin_policy_enforced team_access_not_granted additional_action message_only " +
    "50005 50020 50097 50105 50127 50129 50131 50155 50187 53000 53001 53002 53003 53004 53009 53010 53011 80012 " +
    "500021 500022 500212 500213 530032 530034 530035 650052 1000031",
  org_internal: "org_internal",
  account_disabled: "account_inactive user_disabled 50034 50057",
  password_changed: "50173",
  removed_by_person: "token_revoked",
  refresh_token_unused: "700082",
  refresh_token_expired: "70008 700084",
  wrong_client_secret:
    "invalid_client incorrect_client_credentials bad_client_secret invalid_client_id 70002 700025 700027 700030 7000215 " +
    "7000218 7000222",
  deleted_client: "deleted_client 700016",
  disabled_client: "disabled_client 7000112",
  wrong_client: "unauthorized_client",
};

const byWord: ReadonlyMap<string, Reason> = new Map(
  (Object.entries(wordsBy) as [Reason, string][]).flatMap(([reason, words]) =>
    words.split(" ").map((word) => [word, reason] as const),
  ),
);

/**
 * What descriptions say beside a word that does not say why. Onbehalf never acts on them, because providers change them; a
 * person who reads what happened is helped by each that is understood.
 */
const descriptions: readonly (readonly [RegExp, Reason])[] = [
  // Sentences that name two causes and mean more, such as Google's only one: "expired or revoked", "incorrect or expired".
  [
    /\b(?:expired|revoked|incorrect|invalid|malformed|unknown|not found),? or (?:\w+ )?(?:expired|revoked)/i,
    "invalid_grant",
  ],
  [/\bexpired,? or (?:\w+ )?(?:incorrect|invalid|malformed|unknown|not found)/i, "invalid_grant"],
  [/\breus|used again|already (?:been )?(?:used|redeemed|rotated)|was replaced|token family/i, "refresh_token_reused"],
  [/\b(?:due to|because of) inactivity|inactive for|not (?:been )?used for/i, "refresh_token_unused"],
  [/password/i, "password_changed"],
  [/\b(?:account|user)\b.*\b(?:disabled|deleted|suspended|deactivated|inactive|not found)/i, "account_disabled"],
  [/issued to another client|different client|another client/i, "wrong_client"],
  [/(?:user|owner|admin\w*)\b.*\b(?:revoked|removed|uninstalled|deauthori[sz]ed)/i, "removed_by_person"],
  [/(?:revoked|removed|uninstalled|deauthori[sz]ed) by\b/i, "removed_by_person"],
  // "Expired" alone is said of all that is dead.
  [/\brefresh[ _]token (?:has |is |was )?expired\b(?! or)/i, "refresh_token_expired"],
];

/**
 * The reason that a provider's own words name.
 *
 * @param error its code, with what narrows it behind a slash: `invalid_grant/invalid_rapt`
 * @param says its description; empty where it gave none
 * @returns undefined: they do not say why
 */
export function reasonInWords(error: string, says: string): Reason | undefined {
  const known = reasonByCode(error, says);
  if (known !== undefined) return known;
  const described = descriptions.find(([pattern]) => pattern.test(says))?.[1];
  return described === "invalid_grant" ? undefined : described;
}

/**
 * The reason that a provider's codes name. Its sentences say nothing here, but for Entra's numbers in them.
 *
 * @param error,says as in {@link reasonInWords}
 */
export function reasonByCode(error: string, says: string): Reason | undefined {
  const [word = "", narrow = ""] = error.toLowerCase().split("/");
  const numbers = [...says.matchAll(/\bAADSTS(\d{4,9})\b/g)].map(([, number = ""]) => number);
  const named = [narrow, ...numbers, word].find((each) => byWord.has(each));
  return named === undefined ? undefined : byWord.get(named);
}
