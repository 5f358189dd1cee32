/** The questions behind a new key. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useAct } from "./act.ts";
import type { Caller, Me } from "./answers.ts";
import { ask } from "./ask.ts";
import { AskDialog, Checks, Lines, linesIn, Pick } from "./forms.tsx";

/** A key that was made, to be shown once. */
export interface NewKey {
  readonly title: string;
  readonly key: string;
}

const day = 86_400;
const lives = [
  ["", "Never"],
  [7 * day, "In 7 days"],
  [30 * day, "In 30 days"],
  [90 * day, "In 90 days"],
  [365 * day, "In a year"],
] as const;
const selectorsHint = "One a line: ext:VALUE, ext:PREFIX*, g_… or * for every grant.";

interface FormProps {
  readonly shown: (key: NewKey) => void;
  readonly close: () => void;
}

interface Made {
  readonly key: string;
}

function post(path: string, body: object): Promise<Made> {
  return ask<Made>(path, { method: "POST", body });
}

/** Leaves out what was not chosen. */
function chosen(body: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== ""));
}

interface CreateProps extends FormProps {
  readonly me: Me;
  readonly permissions: readonly string[];
}

export function CreateCaller({ me, permissions, shown, close }: CreateProps): JSX.Element {
  const [name, setName] = useState("");
  const [allow, setAllow] = useState<readonly string[]>([]);
  const [grants, setGrants] = useState("*");
  const [providers, setProviders] = useState<readonly string[]>([]);
  const [life, setLife] = useState<number | "">("");
  const act = useAct(
    () =>
      post(
        "/callers",
        chosen({
          name,
          allow,
          grants: linesIn(grants),
          providers: providers.length === 0 ? "" : providers,
          expires_in: life,
        }),
      ),
    ({ key }) => shown({ title: `The key of ${name}`, key }),
  );
  return (
    <AskDialog title="New caller" verb="Make the key" act={act} close={close}>
      <label>
        Name
        <input
          required
          pattern="[A-Za-z0-9_.\-]{1,64}"
          title="1 to 64 letters, digits, and . _ -"
          autocomplete="off"
          spellcheck={false}
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <Checks legend="What it may do" names={permissions} chosen={allow} change={setAllow} />
      <Lines label="Which grants it sees" hint={selectorsHint} text={grants} change={setGrants} />
      {me.providers.length < 2 ? null : (
        <Checks
          legend="At which providers (every one, where none is ticked)"
          names={me.providers.map((each) => each.name)}
          chosen={providers}
          change={setProviders}
        />
      )}
      <Pick label="When the key ends" choices={lives} value={life} change={setLife} />
    </AskDialog>
  );
}

interface OfCaller extends FormProps {
  readonly caller: Caller;
}

const overlaps = [
  [day, "For a day"],
  [3_600, "For an hour"],
  [7 * day, "For 7 days"],
  [0, "Not at all: it ends at once"],
] as const;

export function RotateCaller({ caller, shown, close }: OfCaller): JSX.Element {
  const [overlap, setOverlap] = useState<number | "">(day);
  const [life, setLife] = useState<number | "">("");
  const act = useAct(
    () => post(`/callers/${caller.caller_id}/rotate`, chosen({ overlap, expires_in: life })),
    ({ key }) => shown({ title: `The new key of ${caller.name}`, key }),
  );
  return (
    <AskDialog title={`Rotate the key of ${caller.name}`} verb="Make the new key" act={act} close={close}>
      <p>What the caller may do and see stays as it is, and its sessions go on.</p>
      <Pick label="How long the key before works as well" choices={overlaps} value={overlap} change={setOverlap} />
      <Pick
        label="When the new key ends"
        choices={[["", "As before"], ...lives.slice(1)]}
        value={life}
        change={setLife}
      />
    </AskDialog>
  );
}

interface NarrowProps {
  readonly caller: Caller;
  readonly done: () => void;
  readonly close: () => void;
}

/** It begins with what the caller has. What is not changed is not sent, so that nobody else's change is undone. */
export function NarrowCaller({ caller, done, close }: NarrowProps): JSX.Element {
  const before = caller.grants.join("\n");
  const [allow, setAllow] = useState(caller.allow);
  const [grants, setGrants] = useState(before);
  const [providers, setProviders] = useState(caller.providers ?? []);
  const [life, setLife] = useState<number | "">("");
  const act = useAct(
    () =>
      post(
        `/callers/${caller.caller_id}/narrow`,
        chosen({
          allow: allow.length === caller.allow.length ? "" : allow,
          grants: grants === before ? "" : linesIn(grants),
          providers: providers.length === (caller.providers ?? []).length ? "" : providers,
          expires_in: life,
        }),
      ),
    done,
  );
  return (
    <AskDialog title={`Narrow ${caller.name}`} verb="Narrow it" act={act} close={close}>
      <p>Its key goes on. What is taken away does not come back: for more, make a new caller.</p>
      <Checks legend="What it may still do" names={caller.allow} chosen={allow} change={setAllow} />
      <Lines label="Which grants it still sees" hint={selectorsHint} text={grants} change={setGrants} />
      {(caller.providers ?? []).length < 2 ? null : (
        <Checks legend="At which providers" names={caller.providers ?? []} chosen={providers} change={setProviders} />
      )}
      <Pick label="When the key ends" choices={[["", "As before"], ...lives.slice(1)]} value={life} change={setLife} />
    </AskDialog>
  );
}

const sessionLives = [
  [900, "In 15 minutes"],
  [3_600, "In an hour"],
  [4 * 3_600, "In 4 hours"],
  [day, "In a day"],
] as const;

export function CreateSession({ caller, shown, close }: OfCaller): JSX.Element {
  const [allow, setAllow] = useState<readonly string[]>([]);
  const [grants, setGrants] = useState("");
  const [scopes, setScopes] = useState("");
  const [life, setLife] = useState<number | "">(3_600);
  const act = useAct(
    () =>
      post(
        `/callers/${caller.caller_id}/sessions`,
        chosen({
          allow,
          grants: linesIn(grants),
          scopes: linesIn(scopes).length === 0 ? "" : linesIn(scopes),
          expires_in: life,
        }),
      ),
    ({ key }) => shown({ title: `The key of a session of ${caller.name}`, key }),
  );
  const names = caller.allow.filter((each) => each !== "sessions" && each !== "handles");
  return (
    <AskDialog title={`New session of ${caller.name}`} verb="Make the key" act={act} close={close}>
      <p>It may do no more than {caller.name}, and ends with it.</p>
      <Checks legend="What it may do" names={names} chosen={allow} change={setAllow} />
      <Lines label="Which grants it sees" hint={selectorsHint} text={grants} change={setGrants} />
      <Lines
        label="What its tokens may be used for at most"
        hint="Scopes, one a line. Empty: no limit."
        text={scopes}
        change={setScopes}
      />
      <Pick label="When it ends" choices={sessionLives} value={life} change={setLife} />
    </AskDialog>
  );
}
