/** That the store stands still: it comes before what is wrong with any grant. */
import type { JSX } from "preact";
import type { Standstill } from "./answers.ts";
import { Copy } from "./copy.tsx";
import { sentence } from "./words.ts";

export function StandstillNotice({ still }: { readonly still: Standstill | undefined }): JSX.Element | null {
  if (still === undefined) return null;
  return (
    <div class="notice bad" role="alert">
      <p>
        <strong>{sentence(still.means)}</strong>
      </p>
      <p>What to do: {sentence(still.fix)}</p>
      {still.commands.map((command) => (
        <Copy key={command} text={command} />
      ))}
    </div>
  );
}
