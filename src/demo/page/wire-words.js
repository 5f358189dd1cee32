// What requests, statuses and error codes mean, beside where they are shown: nobody should have to look them up, or hover.

/** What an entry of the timeline means; undefined where it says so itself. */
export function meaningOf(entry) {
  if (entry.kind === "event") return events[entry.event]?.(entry);
  if (entry.kind === "call" || entry.kind === "refused") return answerWords(entry);
  if (entry.kind === "authcode")
    return "the phone hands over its one-time code; the header proves that no foreign page sent it";
  if (entry.kind === "clock") return "for the stand-in and the server, not for your machine";
  if (entry.kind === "request") return requests.find(([fits]) => fits(entry))?.[1];
  return undefined;
}

function answerWords({ kind, status }) {
  const [code, words] = answers[status] ?? [];
  // A refusal shows its code itself.
  return kind === "refused" || code === undefined ? words : `${words} (${code})`;
}

const is =
  (what, test = () => true) =>
  (entry) =>
    entry.what.startsWith(what) && test(entry);
const answered = (outcome) => (entry) => entry.outcome === outcome;

const requests = [
  [
    is("POST /token", ({ outcome, with: sent }) => outcome === "exchanged" && sent.includes("redirect_uri=(empty)")),
    "the code becomes tokens, and is used up; a phone's code goes with an empty redirect_uri",
  ],
  [
    is(
      "POST /token",
      ({ outcome, with: sent }) => outcome === "exchanged" && sent.includes("redirect_uri=postmessage"),
    ),
    "the code becomes tokens, and is used up; a code from a page's window goes with redirect_uri=postmessage",
  ],
  [is("POST /token", answered("exchanged")), "the code becomes tokens, and is used up"],
  [is("POST /token", answered("refreshed")), "a new access token, for the refresh token that the server keeps"],
  [
    is("POST /token", ({ outcome, second }) => outcome === "invalid_grant" && second === true),
    "the second look, with the same answer: only now does the server believe it",
  ],
  [
    is("POST /token", answered("invalid_grant")),
    "Google does not accept the refresh token any more. One such answer may be a slip, so the server asks again",
  ],
  [is("POST /token", answered("fault")), "a fault that somebody placed at the stand-in: it changes no grant"],
  [is("GET /oauth2/v3/certs"), "Google's public keys, to verify who signed in"],
  [is("POST /revoke"), "the server tells Google to end the grant"],
  [is("POST /account/access"), "the person presses “Remove access” in their account at Google"],
  [({ status }) => status === 401, "Google no longer takes this access token, so the server tries to get a new one"],
  [({ status }) => status === 403, "the grant does not cover this: the person unticked the Drive folder"],
  [is("POST /upload/drive/"), "a new note in the app's own folder"],
  [({ what }) => what === "GET /drive/v3/files", "the list of notes"],
  [is("GET /drive/v3/files/"), "the text of one note"],
  [is("DELETE /drive/v3/files/"), "the note is deleted"],
  [is("GET /o/oauth2/"), "the phone opens Google's sign-in"],
  [is("POST /signin/account"), "the person chooses an account"],
  [is("POST /signin/consent", ({ with: sent }) => sent.includes("decision=deny")), "the person refuses"],
  [is("POST /signin/consent"), "the person allows it; Google gives the phone a code"],
];

/** By the status of an answer to a program: the code that stands in it, and what it means. */
const answers = {
  200: [undefined, "a program with a caller key asks the server"],
  401: ["unauthorized", "the caller key is not known here"],
  403: ["insufficient_scope", "the answer for your program: the person has not granted what this needs"],
  404: ["grant_not_found", "there is no such grant"],
  409: ["reauthorization_required", "the answer for your program: the person must sign in again, and no retry helps"],
  502: ["client_misconfigured", "Google refuses our client, not the person"],
  503: ["provider_unavailable", "try again later; no grant has changed"],
};

const events = {
  grant_stored: ({ with: told }) =>
    told.includes("offline=true")
      ? "the refresh token is stored, encrypted: the server can go on while the person is away"
      : "Google gave no refresh token: the access ends with the access token",
  refreshed: () => "the new token is stored; the grant is one generation older",
  lapsed: () => "the grant has ended, by Google's word: the person must sign in again",
  recovered: () => "the grant lives after all",
  revoked: () => "the grant has ended, and its tokens are erased",
  code_rejected: () => "Google does not take this code: it was used, is too old, or another client's",
  code_reused: () => "a code that was used already came again",
  refresh_failed: () => "no new token this time; the grant has not changed",
  scopes_changed: () => "the grant covers something else than before",
  client_refused: () => "Google refuses our client: an operator must correct its settings",
};
