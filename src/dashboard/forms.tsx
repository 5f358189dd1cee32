/** What questions in front of the page are made of. */
import type { ComponentChildren, JSX } from "preact";
import { useAct } from "./act.ts";
import type { Act } from "./act.ts";
import { CopyOut } from "./copy.tsx";
import { Dialog } from "./dialog.tsx";
import { Failure } from "./parts.tsx";

interface AskProps<T> {
  readonly title: string;
  /** What the button says. */
  readonly verb: string;
  readonly isDanger?: boolean;
  readonly act: Act<[], T>;
  readonly close: () => void;
  readonly children?: ComponentChildren;
}

/** A form that does one thing. What was refused is said in it, and what was typed stays. */
export function AskDialog<T>({ title, verb, isDanger = false, act, close, children }: AskProps<T>): JSX.Element {
  return (
    <Dialog title={title} close={close}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          act.run();
        }}
      >
        {children}
        {act.error === undefined ? null : <Failure error={act.error} />}
        <p class="buttons">
          <button class={`button ${isDanger ? "danger" : "primary"}`} disabled={act.isBusy}>
            {verb}
          </button>
          <button class="button" type="button" autofocus={isDanger} onClick={close}>
            Cancel
          </button>
        </p>
      </form>
    </Dialog>
  );
}

interface ConfirmProps {
  readonly title: string;
  readonly verb: string;
  readonly doIt: () => Promise<unknown>;
  /** Called when it is done. */
  readonly done: () => void;
  readonly close: () => void;
  readonly children: ComponentChildren;
}

/** Says what will end, and ends it at a second press. */
export function Confirm({ title, verb, doIt, done, close, children }: ConfirmProps): JSX.Element {
  const act = useAct(doIt, done);
  return (
    <AskDialog title={title} verb={verb} isDanger act={act} close={close}>
      {children}
    </AskDialog>
  );
}

interface OnceProps {
  readonly title: string;
  readonly secret: string;
  /** What it is: `the key`. */
  readonly what: string;
  readonly close: () => void;
  readonly children: ComponentChildren;
}

/** A key or link that is shown here and nowhere else: it is gone with the question. */
export function ShownOnce({ title, secret, what, close, children }: OnceProps): JSX.Element {
  return (
    <Dialog title={title} close={close}>
      <CopyOut text={secret} what={what} />
      {children}
      <p class="buttons">
        <button class="button" type="button" onClick={close}>
          I have kept it
        </button>
      </p>
    </Dialog>
  );
}

interface ChecksProps {
  readonly legend: string;
  readonly names: readonly string[];
  readonly chosen: readonly string[];
  readonly change: (chosen: readonly string[]) => void;
}

/** Boxes, of which any may be ticked. */
export function Checks({ legend, names, chosen, change }: ChecksProps): JSX.Element {
  return (
    <fieldset class="checks">
      <legend>{legend}</legend>
      {names.map((name) => (
        <label key={name}>
          <input
            type="checkbox"
            checked={chosen.includes(name)}
            onChange={(event) =>
              change(event.currentTarget.checked ? [...chosen, name] : chosen.filter((each) => each !== name))
            }
          />
          <code>{name}</code>
        </label>
      ))}
    </fieldset>
  );
}

interface LinesProps {
  readonly label: string;
  readonly hint: string;
  readonly text: string;
  readonly change: (text: string) => void;
}

/** A list of texts, one a line. */
export function Lines({ label, hint, text, change }: LinesProps): JSX.Element {
  return (
    <label>
      {label}
      <textarea
        rows={2}
        spellcheck={false}
        autocomplete="off"
        value={text}
        onInput={(event) => change(event.currentTarget.value)}
      />
      <span class="soft">{hint}</span>
    </label>
  );
}

export function linesIn(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

interface PickProps {
  readonly label: string;
  /** What is sent, and what is read. */
  readonly choices: readonly (readonly [number | "", string])[];
  readonly value: number | "";
  readonly change: (value: number | "") => void;
}

export function Pick({ label, choices, value, change }: PickProps): JSX.Element {
  return (
    <label>
      {label}
      <select
        value={value}
        onChange={({ currentTarget }) => change(currentTarget.value === "" ? "" : Number(currentTarget.value))}
      >
        {choices.map(([each, words]) => (
          <option key={each} value={each}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}

interface QuietProps {
  readonly of: string;
  readonly verb: string;
  readonly press: () => void;
}

/** A button of a row. Who does not see the row hears whose it is. */
export function Quiet({ of, verb, press }: QuietProps): JSX.Element {
  return (
    <button class="quiet" type="button" aria-label={`${verb.replace("…", "")}: ${of}`} onClick={press}>
      {verb}
    </button>
  );
}
