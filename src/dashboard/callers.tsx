/** The programs that use the service, and their keys for minutes or hours. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Caller, CallerList, Me, Session, SessionPage } from "./answers.ts";
import { ask, useAsk } from "./ask.ts";
import { CreateCaller, CreateSession, NarrowCaller, RotateCaller } from "./caller-forms.tsx";
import type { NewKey } from "./caller-forms.tsx";
import { Confirm, Quiet, ShownOnce } from "./forms.tsx";
import { Empty, Failure, Ghost, Time } from "./parts.tsx";
import { serviceNow } from "./service-time.ts";
import { counted } from "./words.ts";

/** Which question stands in front of the page. */
type Question =
  | { readonly is: "create" }
  | { readonly is: "rotate" | "narrow" | "revoke" | "session" | "end-all"; readonly caller: Caller }
  | { readonly is: "end"; readonly session: Session }
  | ({ readonly is: "key" } & NewKey);

export function CallersView({ me }: { readonly me: Me }): JSX.Element {
  const callers = useAsk<CallerList>("/callers", 30_000);
  const sessions = useAsk<SessionPage>("/sessions?limit=100", 30_000);
  const [question, put] = useState<Question | undefined>(undefined);
  const isReader = me.role === "reader";
  const close = (): void => put(undefined);
  const again = (): void => {
    callers.again();
    sessions.again();
  };
  const done = (): void => {
    close();
    again();
  };
  return (
    <>
      <div class="bar">
        <h1>Callers</h1>
        {isReader ? null : (
          <button class="button primary" type="button" onClick={() => put({ is: "create" })}>
            New caller…
          </button>
        )}
      </div>
      {callers.error === undefined ? null : <Failure error={callers.error} again={callers.again} />}
      {callers.data === undefined ? (
        callers.error === undefined && <Ghost lines={6} />
      ) : (
        <Callers callers={callers.data.callers} isReader={isReader} put={put} />
      )}
      <section aria-labelledby="sessions">
        <h2 id="sessions">Sessions</h2>
        {sessions.error === undefined ? null : <Failure error={sessions.error} again={sessions.again} />}
        {sessions.data === undefined ? null : <Sessions page={sessions.data} isReader={isReader} put={put} />}
      </section>
      {question === undefined || callers.data === undefined ? null : (
        <Asked
          question={question}
          me={me}
          permissions={callers.data.permissions}
          shown={(key) => {
            again();
            put({ is: "key", ...key });
          }}
          done={done}
          close={close}
        />
      )}
    </>
  );
}

interface AskedProps {
  readonly question: Question;
  readonly me: Me;
  readonly permissions: readonly string[];
  readonly shown: (key: NewKey) => void;
  readonly done: () => void;
  readonly close: () => void;
}

function Asked({ question, me, permissions, shown, done, close }: AskedProps): JSX.Element {
  if (question.is === "create") return <CreateCaller me={me} permissions={permissions} shown={shown} close={close} />;
  if (question.is === "rotate") return <RotateCaller caller={question.caller} shown={shown} close={close} />;
  if (question.is === "narrow") return <NarrowCaller caller={question.caller} done={done} close={close} />;
  if (question.is === "session") return <CreateSession caller={question.caller} shown={shown} close={close} />;
  if (question.is === "key") {
    return (
      <ShownOnce title={question.title} secret={question.key} what="the key" close={close}>
        <p>
          This is the only time that it is shown: a keyed hash of it is kept. Put it where the program reads its
          secrets, and nowhere else.
        </p>
      </ShownOnce>
    );
  }
  const remove = (path: string) => () => ask(path, { method: "DELETE" });
  if (question.is === "end") {
    const { session_id: id, caller } = question.session;
    return (
      <Confirm
        title={`End a session of ${caller}?`}
        verb="End it"
        doIt={remove(`/sessions/${id}`)}
        done={done}
        close={close}
      >
        <p>
          Running services refuse the key of <code>{id}</code> within a second.
        </p>
      </Confirm>
    );
  }
  const { name, caller_id: id } = question.caller;
  if (question.is === "end-all") {
    return (
      <Confirm
        title={`End all sessions of ${name}?`}
        verb="End them"
        doIt={remove(`/callers/${id}/sessions`)}
        done={done}
        close={close}
      >
        <p>Running services refuse their keys within a second. The key of {name} itself goes on.</p>
      </Confirm>
    );
  }
  return (
    <Confirm
      title={`Revoke the key of ${name}?`}
      verb="Revoke it"
      doIt={remove(`/callers/${id}`)}
      done={done}
      close={close}
    >
      <p>
        Running services refuse it within a second. Its sessions end with it, and handles that are for it give nothing
        any more. It does not come back: a caller of the same name is a new one.
      </p>
    </Confirm>
  );
}

type Put = (question: Question) => void;

interface CallersProps {
  readonly callers: readonly Caller[];
  readonly isReader: boolean;
  readonly put: Put;
}

function Callers({ callers, isReader, put }: CallersProps): JSX.Element {
  if (callers.length === 0) {
    return (
      <div class="card">
        <Empty title="There are no callers yet">
          <p>A caller is a program that uses the service. It has a key, and may do no more than you name.</p>
        </Empty>
      </div>
    );
  }
  // Those that work come first.
  const sorted = callers.toSorted((a, b) => Number(stateOf(a).isOver) - Number(stateOf(b).isOver));
  return (
    <ul class="card rows keys">
      {sorted.map((caller) => {
        const { words, isOver } = stateOf(caller);
        return (
          <li key={caller.caller_id}>
            <p class="grow">
              <span class="name">{caller.name}</span> <span class={`badge ${isOver ? "" : "active"}`}>{words}</span>
              <Rights of={caller} />
              <span class="soft">
                {caller.last_used_at === undefined ? (
                  "never used"
                ) : (
                  <>
                    used <Time at={caller.last_used_at} isPast />
                  </>
                )}
                {caller.expires_at === undefined || isOver ? null : (
                  <>
                    {" "}
                    · ends <Time at={caller.expires_at} />
                  </>
                )}
                {isFuture(caller.previous_key_until) ? (
                  <>
                    {" "}
                    · the key before works until <Time at={caller.previous_key_until ?? ""} />
                  </>
                ) : null}
              </span>
            </p>
            {isReader || caller.revoked_at !== undefined ? null : (
              <p class="buttons">
                {isOver ? null : (
                  <Quiet of={caller.name} verb="Session…" press={() => put({ is: "session", caller })} />
                )}
                <Quiet of={caller.name} verb="Narrow…" press={() => put({ is: "narrow", caller })} />
                <Quiet of={caller.name} verb="Rotate…" press={() => put({ is: "rotate", caller })} />
                <Quiet of={caller.name} verb="End sessions…" press={() => put({ is: "end-all", caller })} />
                <Quiet of={caller.name} verb="Revoke…" press={() => put({ is: "revoke", caller })} />
              </p>
            )}
          </li>
        );
      })}
    </ul>
  );
}

interface SessionsProps {
  readonly page: SessionPage;
  readonly isReader: boolean;
  readonly put: Put;
}

function Sessions({ page: { sessions, cursor }, isReader, put }: SessionsProps): JSX.Element {
  if (sessions.length === 0) {
    return (
      <div class="card">
        <Empty title="There are no sessions">
          <p>
            A session is a key for minutes or hours that may do no more than its caller: for an agent, for a job. A
            caller makes one with <code>POST /v1/sessions</code>.
          </p>
        </Empty>
      </div>
    );
  }
  return (
    <>
      <ul class="card rows keys">
        {sessions.map((session) => (
          <li key={session.session_id}>
            <p class="grow">
              <span class="name">{session.caller}</span> <code class="soft">{session.session_id}</code>
              <Rights of={session} />
              <span class="soft">
                {session.scopes === undefined ? "" : `for ${session.scopes.join(" ")} · `}ends{" "}
                <Time at={session.expires_at} />
              </span>
            </p>
            {isReader ? null : (
              <p class="buttons">
                <Quiet of={`the session ${session.session_id}`} verb="End…" press={() => put({ is: "end", session })} />
              </p>
            )}
          </li>
        ))}
      </ul>
      {cursor === undefined ? null : (
        <p class="soft">
          The {sessions.length} that end first. All of them: <code>onbehalf sessions list</code>
        </p>
      )}
    </>
  );
}

function Rights({ of: { allow, grants, providers } }: { readonly of: Caller | Session }): JSX.Element {
  const seen = grants.includes("*")
    ? "every grant"
    : grants.length > 3
      ? counted(grants.length, "selector")
      : grants.join(" ");
  return (
    <span class="soft">
      may <code>{allow.join(" ")}</code> · sees <span title={grants.join("\n")}>{seen === "" ? "nothing" : seen}</span>
      {providers === undefined ? "" : ` at ${providers.join(", ")}`}
    </span>
  );
}

function isFuture(at: string | undefined): boolean {
  return at !== undefined && Date.parse(at) > serviceNow();
}

function stateOf({ revoked_at: revokedAt, expires_at: expiresAt }: Caller): {
  readonly words: string;
  readonly isOver: boolean;
} {
  if (revokedAt !== undefined) return { words: "Revoked", isOver: true };
  if (expiresAt !== undefined && !isFuture(expiresAt)) return { words: "Expired", isOver: true };
  return { words: "Works", isOver: false };
}
