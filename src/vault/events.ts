import type { LapseReason } from "../core/grant.ts";

/** Something that happened to a grant or to our client, for logs and metrics. Never carries a token. */
export type VaultEvent =
  | { readonly type: "grant_stored"; readonly grantId: string; readonly provider: string; readonly offline: boolean }
  | { readonly type: "code_rejected"; readonly provider: string; readonly error: string }
  /** A used code came again too late, or from somebody who knew less than the first one did. */
  | { readonly type: "code_reused"; readonly provider: string }
  /** The provider's keys are out of reach: the person is signed in once they are back. */
  | { readonly type: "sign_in_waits"; readonly provider: string; readonly error: string }
  /** A sign-in that had waited, or whose process had died, is done. */
  | { readonly type: "sign_in_finished"; readonly grantId: string; readonly provider: string }
  | { readonly type: "id_token_refused"; readonly provider: string; readonly check: string }
  | { readonly type: "refreshed"; readonly grantId: string; readonly provider: string; readonly generation: number }
  | {
      readonly type: "refresh_failed";
      readonly grantId: string;
      readonly provider: string;
      readonly error: string;
      readonly ambiguous: boolean;
    }
  /** An alarm about our own configuration: the provider refuses this client. */
  | { readonly type: "client_refused"; readonly provider: string; readonly clientId: string; readonly error: string }
  | { readonly type: "lapsed"; readonly grantId: string; readonly provider: string; readonly reason: LapseReason }
  | {
      readonly type: "answer_kept";
      readonly grantId: string;
      readonly provider: string;
      readonly as: "orphan" | "memory";
    }
  | {
      readonly type: "revoked";
      readonly grantId: string;
      readonly provider: string;
      /** Grants that the provider may have ended with it: each is `suspect` until an exchange has shown how it is. */
      readonly siblings: readonly string[];
    }
  | { readonly type: "revocation_waits"; readonly grantId: string; readonly provider: string; readonly error: string }
  | { readonly type: "unreadable"; readonly grantId: string; readonly provider: string }
  | { readonly type: "store_failed"; readonly during: string; readonly message: string };

export type OnEvent = (event: VaultEvent) => void;
