import { OnbehalfError } from "../../core/errors.ts";

export function connectNotFound(): OnbehalfError<"connect_not_found"> {
  return new OnbehalfError("connect_not_found", "there is no such connect link", {
    hint: "look at the connect_id; links are forgotten a day after they were made",
    details: {},
  });
}

export function connectExpired(): OnbehalfError<"connect_expired"> {
  return new OnbehalfError("connect_expired", "the connect link has expired, and nothing of it is kept", {
    hint: "make a new link; a link lives for fifteen minutes, and is finished within them",
    details: {},
  });
}

export function verifierMismatch(): OnbehalfError<"verifier_mismatch"> {
  return new OnbehalfError(
    "verifier_mismatch",
    "code_verifier does not fit the challenge that the link was made with",
    {
      hint: "finish the link in the session of the user who began it, with that session's verifier; in another one, somebody has sent your user a link of their own",
      details: {},
    },
  );
}
