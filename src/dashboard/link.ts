/** A reconnect link that is out: how it stands, and what to say of it. */
import { useEffect, useState } from "preact/hooks";
import type { BegunConnect, LinkState } from "./answers.ts";
import { ask } from "./ask.ts";
import { serviceNow } from "./service-time.ts";

/** How often a link that is out is looked at, milliseconds. */
const everyMs = 2_500;
/** How often it is looked at in all: for a minute longer than a link lives. */
const mostLooks = 384;

/** The link that an operator has made last. */
export interface Link extends BegunConnect {
  readonly state: LinkState;
}

/**
 * The links that were made here and are out, by grant: whoever looks at something else and comes back finds theirs. They are in
 * the memory of the page alone: a link lets in whoever has it, so no storage of the browser holds one.
 */
const out = new Map<string, BegunConnect>();

function outOf(grantId: string): BegunConnect | undefined {
  const link = out.get(grantId);
  if (link === undefined || Date.parse(link.expires_at) > serviceNow()) return link;
  out.delete(grantId);
  return undefined;
}

/** Whether nothing more will become of it. */
export function isOver({ state: { status } }: Link): boolean {
  return status !== "waiting" && status !== "pending";
}

/**
 * Follows a link until it is over, while the page is seen.
 *
 * @param grantId whose link it is; another grant's needs another part of the page
 * @param ended called when it is
 */
export function useLink(
  grantId: string,
  ended: () => void,
): {
  readonly link: Link | undefined;
  readonly follow: (link: BegunConnect | undefined) => void;
} {
  const [begun, setBegun] = useState(() => outOf(grantId));
  const follow = (link: BegunConnect | undefined): void => {
    if (link === undefined) out.delete(grantId);
    else out.set(grantId, link);
    setBegun(link);
  };
  const [state, setState] = useState<LinkState>({ status: "waiting" });
  useEffect(() => {
    setState({ status: "waiting" });
    if (begun === undefined) return undefined;
    const aborting = new AbortController();
    let looks = 0;
    let timer = setTimeout(look, 0);
    function look(): void {
      looks += 1;
      if (looks > mostLooks) return;
      timer = setTimeout(look, everyMs);
      if (document.visibilityState !== "visible") return;
      const { signal } = aborting;
      ask<LinkState>(`/links/${begun?.connect_id ?? ""}`, { signal }).then(
        (now) => {
          setState(now);
          if (begun === undefined || !isOver({ ...begun, state: now })) return;
          clearTimeout(timer);
          out.delete(grantId);
          ended();
        },
        // The next look tells; where the service is away, the page says so elsewhere.
        () => undefined,
      );
    }
    return () => {
      aborting.abort();
      clearTimeout(timer);
    };
  }, [begun]);
  return { link: begun === undefined ? undefined : { ...begun, state }, follow };
}

/** What the operator reads of a link: how it stands, and what to do. */
export function linkWords({ external_id: who, state: { status, error } }: Link): {
  readonly title: string;
  readonly text: string;
} {
  switch (status) {
    case "waiting":
      return { title: "Send this link", text: `Waiting for ${who}. This page follows, and says when they are done.` };
    case "pending":
      return { title: "Nearly there", text: `${who} has consented. The provider has yet to say which account it was.` };
    case "finished":
      return { title: "Connected again", text: `${who} has consented again, and the app has access.` };
    case "expired":
      return { title: "The link has ended", text: `Nobody used it in time. Make another one when ${who} is there.` };
    case "failed":
      return { title: "Nothing was connected", text: failures[error ?? ""] ?? otherFailure(error) };
  }
}

const failures: Readonly<Record<string, string>> = {
  access_denied: "They said no, or cancelled. Ask them whether they want it; a new link asks again.",
  other_account:
    "They signed in with another account than this grant’s, so it was not taken. Make another link, and tell them which account.",
  external_id_conflict: "The app’s user is connected with another account by this label.",
  provider_unavailable: "The provider did not answer. Make another link in a while.",
};

function otherFailure(error: string | undefined): string {
  return `The sign-in failed (${error ?? "no reason is known"}). Make another link; if that fails too, look at the service’s log.`;
}
