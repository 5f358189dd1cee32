/** Who is signed in to the dashboard, and links for others. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useAct } from "./act.ts";
import type { Me, Operator } from "./answers.ts";
import { ask, useAsk } from "./ask.ts";
import { AskDialog, Confirm, Quiet, ShownOnce } from "./forms.tsx";
import { Failure, Ghost, Time } from "./parts.tsx";

const roleWords = { operator: "May change things", reader: "Read-only" } as const;

interface MadeLink {
  readonly link: string;
  readonly expires_at: string;
}

export function OperatorsView({ me }: { readonly me: Me }): JSX.Element {
  const { data, error, again } = useAsk<{ readonly operators: readonly Operator[] }>("/operators", 15_000);
  const [ending, setEnding] = useState<Operator | undefined>(undefined);
  const [isAsking, setAsking] = useState(false);
  const [made, setMade] = useState<MadeLink | undefined>(undefined);
  const isReader = me.role === "reader";
  return (
    <>
      <div class="bar">
        <h1>Operators</h1>
        {isReader ? null : (
          <button class="button primary" type="button" onClick={() => setAsking(true)}>
            Let somebody in…
          </button>
        )}
      </div>
      {error === undefined ? null : <Failure error={error} again={again} />}
      {data === undefined ? error === undefined && <Ghost lines={4} /> : null}
      <ul class="card rows keys">
        {data?.operators.map((each) => (
          <li key={each.session_id}>
            <p class="grow">
              <span class="name">{roleWords[each.role]}</span>{" "}
              {each.is_you ? <span class="badge active">This browser</span> : null}
              <span class="soft">
                <code>{each.session_id}</code> · signed in <Time at={each.signed_in_at} isPast /> · used{" "}
                <Time at={each.last_used_at} isPast /> · ends <Time at={each.ends_at} />
              </span>
            </p>
            {isReader || each.is_you ? null : (
              <p class="buttons">
                <Quiet of={`the sign-in ${each.session_id}`} verb="End…" press={() => setEnding(each)} />
              </p>
            )}
          </li>
        ))}
      </ul>
      <p class="soft">
        The audit log has what each of them does, as <code>@operator</code> with this id.
      </p>
      {ending === undefined ? null : (
        <Confirm
          title="End this sign-in?"
          verb="End it"
          doIt={() => ask(`/operators/${ending.session_id}`, { method: "DELETE" })}
          done={() => {
            setEnding(undefined);
            again();
          }}
          close={() => setEnding(undefined)}
        >
          <p>
            The browser of <code>{ending.session_id}</code> is refused from then on. Somebody who has the service’s
            settings can let it in again.
          </p>
        </Confirm>
      )}
      {isAsking ? (
        <LinkDialog
          made={(link) => {
            setAsking(false);
            setMade(link);
          }}
          close={() => setAsking(false)}
        />
      ) : null}
      {made === undefined ? null : (
        <ShownOnce title="The link" secret={addressOf(made.link)} what="the link" close={() => setMade(undefined)}>
          <p>
            It lets one browser in, once, and ends <Time at={made.expires_at} />. This is the only time that it is
            shown. Give it to nobody but whom it is for.
          </p>
        </ShownOnce>
      )}
    </>
  );
}

/** The service says the path. By which address it is reached, this page knows best. */
function addressOf(link: string): string {
  return new URL(link, new URL(".", location.href)).href;
}

interface LinkProps {
  readonly made: (link: MadeLink) => void;
  readonly close: () => void;
}

function LinkDialog({ made, close }: LinkProps): JSX.Element {
  const [role, setRole] = useState<Me["role"]>("reader");
  const act = useAct(() => ask<MadeLink>("/operators/links", { method: "POST", body: { role } }), made);
  return (
    <AskDialog title="Let somebody in" verb="Make the link" act={act} close={close}>
      <fieldset class="checks">
        <legend>What whoever opens it may do</legend>
        {(["reader", "operator"] as const).map((each) => (
          <label key={each}>
            <input type="radio" name="role" checked={role === each} onChange={() => setRole(each)} />
            {each === "reader" ? "Look at everything, and change nothing" : "All that you may"}
          </label>
        ))}
      </fieldset>
    </AskDialog>
  );
}
