import type { Owner } from "../../core/take-over.ts";

/** An owner of whom nothing is known, neither alive nor dead: only time ends what it holds. */
const nobody: Owner = { node: "", pid: 0, startedAt: "", vault: "" };

/** An owner as text, the same text for the same owner. */
export function ownerText({ node, pid, startedAt, vault }: Owner): string {
  return JSON.stringify({ node, pid, startedAt, vault });
}

/** Reads an owner from its text. A damaged text gives {@link nobody}: one bad row must not keep all others from being read. */
export function readOwner(text: string): Owner {
  try {
    const { node, pid, startedAt, vault } = JSON.parse(text) as Partial<Owner>;
    return node === undefined || pid === undefined || startedAt === undefined || vault === undefined
      ? nobody
      : { node, pid, startedAt, vault };
  } catch {
    return nobody;
  }
}
