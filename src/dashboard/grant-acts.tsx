/** What an operator may do with a grant, and what came of it. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useAct } from "./act.ts";
import type { Ends, Grant, Probe, WholeGrant } from "./answers.ts";
import { ask, useAsk } from "./ask.ts";
import { Dialog } from "./dialog.tsx";
import { isOver, useLink } from "./link.ts";
import { LinkNote, ReconnectDialog } from "./reconnect.tsx";
import { Failure, Ghost } from "./parts.tsx";
import { ProbeFound } from "./probe-found.tsx";
import { serviceNow } from "./service-time.ts";
import { afterSteps, counted, hasNothingToAskWith, nextAct, providerWords, whose } from "./words.ts";
import type { NextAct } from "./words.ts";

interface ActsProps {
  readonly whole: WholeGrant;
  /** Asks for the grant anew. */
  readonly again: () => void;
}

export function GrantActs({ whole, again }: ActsProps): JSX.Element {
  const { grant } = whole;
  const path = `/grants/${grant.grant_id}`;
  const [open, setOpen] = useState<"connect" | "disconnect" | undefined>(undefined);
  const [ended, setEnded] = useState<Grant | undefined>(undefined);
  const probe = useAct(() => ask<Probe>(`${path}/probe`, { method: "POST" }), again);
  const mayAsk = usePassed(probe.done?.again_at);
  const isFoundNow = useStillSo(probe.done, whole);
  const isEndedNow = useStillSo(ended, whole);
  const isEnded = grant.state === "revoked" || grant.state === "revoking";
  const cannotAsk = !isEnded && hasNothingToAskWith(grant, serviceNow());
  const { link, follow } = useLink(grant.grant_id, again);
  const close = (): void => setOpen(undefined);
  const reconnect = (): void => {
    // Of one that is over nothing more is to be seen: the operator wants the next.
    if (link !== undefined && isOver(link)) follow(undefined);
    setOpen("connect");
  };
  const next = nextAct(grant, whole.is_configured);
  const look = (act: NextAct["act"]): string => (next?.act === act ? "button primary" : "button");
  return (
    <section aria-label="What you can do" class="acts">
      <p class="buttons">
        {isEnded ? null : (
          <button
            class={look("probe")}
            type="button"
            disabled={probe.isBusy || !mayAsk || cannotAsk}
            aria-describedby={cannotAsk ? "nothing-to-ask-with" : undefined}
            onClick={() => probe.run()}
          >
            {probe.isBusy ? "Asking the provider…" : mayAsk ? "Ask the provider" : "Asked a moment ago"}
          </button>
        )}
        <button class={look("connect")} type="button" onClick={reconnect}>
          Reconnect link…{next?.act === "connect" ? afterSteps(next.after) : ""}
        </button>
        {next?.act === "set-up" ? (
          <a class={look("set-up")} href="#/setup">
            Look at the set-up
          </a>
        ) : null}
        {grant.state === "revoked" ? null : (
          <button class="button danger" type="button" onClick={() => setOpen("disconnect")}>
            Disconnect…
          </button>
        )}
      </p>
      {cannotAsk ? (
        <p class="soft" id="nothing-to-ask-with">
          There is nothing to ask the provider with: no refresh token is held, and the access token has ended.
        </p>
      ) : null}
      {next?.act === "connect" && grant.offline !== true && whole.reconnect.asks_offline === true ? (
        <p class="soft">
          The link asks for access while the person is away
          {grant.reason === "no_refresh_token"
            ? ", so that a refresh token comes this time: it need not wait for step 1"
            : ""}
          .
        </p>
      ) : null}
      <div role="status">
        {probe.done === undefined || !isFoundNow ? null : <ProbeFound probe={probe.done} grant={grant} />}
        {ended === undefined || !isEndedNow ? null : <p class="notice">{endedWords(ended)}</p>}
        {link === undefined || open === "connect" ? null : <LinkNote link={link} show={reconnect} />}
      </div>
      {probe.error === undefined ? null : <Failure error={probe.error} />}
      {open === "connect" ? <ReconnectDialog whole={whole} link={link} follow={follow} close={close} /> : null}
      {open === "disconnect" ? (
        <DisconnectDialog
          grant={grant}
          close={() => {
            close();
            // Where the provider did not confirm, it has ended here all the same.
            again();
          }}
          done={(now) => {
            setEnded(now);
            close();
            again();
          }}
        />
      ) : null}
    </section>
  );
}

/** Whether a time has passed by the service's clock; drawn anew when it has. */
function usePassed(at: string | undefined): boolean {
  const [, draw] = useState(0);
  const waitMs = at === undefined ? 0 : Date.parse(at) - serviceNow();
  useEffect(() => {
    if (waitMs <= 0) return undefined;
    const timer = setTimeout(() => draw((before) => before + 1), waitMs + 50);
    return () => clearTimeout(timer);
  }, [at]);
  return waitMs <= 0;
}

/**
 * Whether the grant is as it was when an answer about it came: later it has another state or other tokens, and what was found or
 * done before is not said of it any more.
 */
function useStillSo(answer: object | undefined, whole: WholeGrant): boolean {
  const first = useRef<{ answer: object | undefined; before: WholeGrant; look?: string }>({ answer, before: whole });
  if (first.current.answer !== answer) first.current = { answer, before: whole };
  // What was asked may itself have changed the grant, so it is compared with the grant that was read after the answer.
  const { before, look = whole === before ? undefined : lookOf(whole.grant) } = first.current;
  if (look !== undefined) first.current.look = look;
  return look === undefined || look === lookOf(whole.grant);
}

function lookOf({ state, generation }: Grant): string {
  return `${state} ${generation ?? ""}`;
}

function endedWords(grant: Grant): string {
  if (grant.state === "active") return "It was disconnected, and the person has consented again meanwhile.";
  if (grant.state !== "revoked")
    return "No token is handed out any more. The provider has not confirmed yet; it is asked again until it does.";
  return grant.reason === "revoked_unconfirmed"
    ? "Disconnected: our tokens are erased. The provider did not confirm, so the person may still see the app among their connections."
    : "Disconnected, and the provider has confirmed it.";
}

interface DisconnectProps {
  readonly grant: Grant;
  readonly close: () => void;
  readonly done: (now: Grant) => void;
}

/** Says what ends, and ends it at a second press. */
function DisconnectDialog({ grant, close, done }: DisconnectProps): JSX.Element {
  const path = `/grants/${grant.grant_id}`;
  const { data: ends, error, again } = useAsk<Ends>(`${path}/ends`);
  const end = useAct(
    () => ask<{ readonly grant: Grant }>(path, { method: "DELETE" }),
    ({ grant: now }) => done(now),
  );
  return (
    <Dialog title={`Disconnect ${whose(grant).name}?`} close={close}>
      {ends === undefined && error === undefined ? <Ghost lines={3} /> : null}
      {error === undefined ? null : <Failure error={error} again={again} />}
      {ends === undefined ? null : <WhatEnds grant={grant} ends={ends} />}
      {end.error === undefined ? null : <Failure error={end.error} />}
      <p class="buttons">
        <button
          class="button danger"
          type="button"
          disabled={ends === undefined || end.isBusy}
          onClick={() => end.run()}
        >
          {end.isBusy
            ? "Disconnecting…"
            : ends === undefined || ends.grants.length === 0
              ? "Disconnect"
              : `Disconnect ${counted(ends.grants.length + 1, "grant")}`}
        </button>
        <button class="button" type="button" autofocus onClick={close}>
          {end.error === undefined ? "Cancel" : "Close"}
        </button>
      </p>
    </Dialog>
  );
}

export function WhatEnds({ grant, ends }: { readonly grant: Grant; readonly ends: Ends }): JSX.Element {
  const { grants, handles, sessions, external_ids: ties } = ends;
  const provider = providerWords(grant.provider);
  return (
    <>
      <p>
        No token of it is handed out from this moment on, and {provider} is asked to end it. The person has to consent
        again.
      </p>
      {ties.length < 2 ? null : (
        <p>It ends for all who have connected this account: {ties.map(({ external_id: id }) => id).join(", ")}.</p>
      )}
      {grants.length === 0 ? null : (
        <>
          <p>
            <strong>{provider} ends with it, of the same person:</strong>
          </p>
          <ul class="list">
            {grants.map((each) => (
              <li key={each.grant_id}>
                {whose(each).name} <code>{each.grant_id}</code>
              </li>
            ))}
          </ul>
        </>
      )}
      {ends.ends_all_of_person ? (
        <p>{provider} ends all that this person granted to the project, also what other stores hold.</p>
      ) : null}
      {handles.length === 0 ? null : (
        <p>
          {counted(handles.length, "handle")} of it {handles.length === 1 ? "gives" : "give"} no token any more:{" "}
          {handles.map(({ name, for_caller: caller }) => `${name} (${caller})`).join(", ")}.
        </p>
      )}
      {sessions.length === 0 ? null : (
        <p>
          {counted(sessions.length, "session")} that {sessions.length === 1 ? "sees" : "see"} nothing else:{" "}
          {sessions.map(({ session_id: id, caller }) => `${id} (${caller})`).join(", ")}.
        </p>
      )}
      {ends.is_configured ? null : (
        <p>It belongs to a client that this service is not configured with: only with that client can it be ended.</p>
      )}
    </>
  );
}
