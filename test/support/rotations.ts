import type { Provider } from "../../src/index.ts";
import type { Settings } from "../../src/standin/index.ts";

/** Every kind of provider, as our record has it and as the stand-in plays it: a used token ends its whole family. */
export const rotations: readonly {
  readonly name: "none" | "grace" | "strict";
  readonly rotation: Provider["rotation"];
  readonly standin: Pick<Settings, "rotation" | "graceSeconds" | "revokeFamilyOnReuse">;
}[] = [
  { name: "none", rotation: "none", standin: plays("none") },
  { name: "grace", rotation: { graceSeconds: 30 }, standin: plays("grace") },
  { name: "strict", rotation: "strict", standin: plays("strict") },
];

function plays(rotation: Settings["rotation"]): Pick<Settings, "rotation" | "graceSeconds" | "revokeFamilyOnReuse"> {
  return { rotation, graceSeconds: 30, revokeFamilyOnReuse: rotation !== "none" };
}
