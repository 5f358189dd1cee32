import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useAct } from "./act.ts";
import type { BegunConnect, WholeGrant } from "./answers.ts";
import { ask } from "./ask.ts";
import { CopyOut } from "./copy.tsx";
import { Dialog } from "./dialog.tsx";
import { AskDialog } from "./forms.tsx";
import { isOver, linkWords } from "./link.ts";
import type { Link } from "./link.ts";
import { Time } from "./parts.tsx";
import { plainly, providerWords, sentence } from "./words.ts";

interface ReconnectProps {
  readonly whole: WholeGrant;
  /** The last one that was made here. */
  readonly link: Link | undefined;
  readonly follow: (link: BegunConnect | undefined) => void;
  readonly close: () => void;
}

/** A link at which the grant's person consents again: made, sent, and followed until it is over. */
export function ReconnectDialog({ whole, link, follow, close }: ReconnectProps): JSX.Element {
  const { lacks, fix = "" } = whole.reconnect;
  if (link !== undefined) return <LinkDialog link={link} follow={follow} close={close} />;
  if (lacks === undefined) return <MakeLink whole={whole} follow={follow} close={close} />;
  return (
    <Dialog title="No link can be made" close={close}>
      <p>{plainly(lacks)}.</p>
      <p>
        <strong>What to do:</strong> {sentence(fix)}
      </p>
      <p class="buttons">
        <button class="button primary" type="button" onClick={close}>
          Close
        </button>
      </p>
    </Dialog>
  );
}

/** An address that the operator writes, where all that begins somehow is allowed. */
const another = "another";

function MakeLink({ whole: { grant, reconnect }, follow, close }: Omit<ReconnectProps, "link">): JSX.Element {
  const { external_ids: ties } = grant;
  const [tie, setTie] = useState(0);
  const [end, setEnd] = useState("");
  const prefix = reconnect.return_urls.find((each) => each.is_prefix);
  const [address, setAddress] = useState(prefix?.url ?? "");
  const make = useAct(() => {
    const { external_id, account } = ties[tie] ?? {};
    const returnUrl = end === another ? address : end;
    const body = { external_id, account, ...(returnUrl === "" ? {} : { return_url: returnUrl }) };
    return ask<BegunConnect>(`/grants/${grant.grant_id}/connect`, { method: "POST", body });
  }, follow);
  return (
    <AskDialog title="Make a reconnect link" verb="Make the link" act={make} close={close}>
      <p>
        The person signs in at {providerWords(grant.provider)} again, with the account that this grant is of, and
        consents to all that it covers. No other account is taken.
      </p>
      {ties.length < 2 ? null : (
        <label>
          For whom
          <select value={tie} onChange={(event) => setTie(Number(event.currentTarget.value))}>
            {ties.map(({ external_id: externalId, account }, n) => (
              <option key={`${externalId} ${account}`} value={n}>
                {externalId} ({account})
              </option>
            ))}
          </select>
        </label>
      )}
      {reconnect.return_urls.length === 0 ? null : (
        <label>
          Where they end
          <select value={end} onChange={(event) => setEnd(event.currentTarget.value)}>
            <option value="">A page that says how it went</option>
            {reconnect.return_urls
              .filter((each) => !each.is_prefix)
              .map(({ url }) => (
                <option key={url} value={url}>
                  {url}
                </option>
              ))}
            {prefix === undefined ? null : <option value={another}>Another address of the app…</option>}
          </select>
        </label>
      )}
      {end === another ? (
        <label>
          Address
          <input
            type="url"
            required
            autocomplete="off"
            value={address}
            onInput={(event) => setAddress(event.currentTarget.value)}
          />
          <span class="soft">Whatever begins with {prefix?.url} is allowed.</span>
        </label>
      ) : null}
    </AskDialog>
  );
}

function LinkDialog({
  link,
  follow,
  close,
}: Pick<ReconnectProps, "follow" | "close"> & { readonly link: Link }): JSX.Element {
  const { url, external_id: who, expires_at: expiresAt, state } = link;
  const { title, text } = linkWords(link);
  const isOut = state.status === "waiting";
  return (
    <Dialog title={title} close={close}>
      {isOut ? <CopyOut text={url} what="the link" /> : null}
      {isOut ? (
        <p>
          It is for {who}, and for the account that was connected before. It ends <Time at={expiresAt} />.
        </p>
      ) : null}
      <p role="status" class={`progress ${state.status}`}>
        {text}
      </p>
      <p class="buttons">
        {isOver(link) && state.status !== "finished" ? (
          <button class="button primary" type="button" onClick={() => follow(undefined)}>
            Make another link
          </button>
        ) : null}
        <button class={`button ${state.status === "finished" ? "primary" : ""}`} type="button" onClick={close}>
          {isOut ? "Close, and go on waiting" : "Close"}
        </button>
      </p>
    </Dialog>
  );
}

/** The same on the grant's page, when the dialog is closed. */
export function LinkNote({ link, show }: { readonly link: Link; readonly show: () => void }): JSX.Element {
  const { title, text } = linkWords(link);
  const { status } = link.state;
  const isOut = status === "waiting" || status === "pending";
  return (
    <div class={`notice link-note ${status}`}>
      <p>
        <strong>{isOut ? "A reconnect link is out." : `${title}.`}</strong> {text}
      </p>
      {status === "finished" ? null : (
        <button class="button" type="button" onClick={show}>
          {isOut ? "Show the link" : "Make another link"}
        </button>
      )}
    </div>
  );
}
