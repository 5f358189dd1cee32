import type { Person } from "../state/people.ts";

/** Who somebody is at this provider: a number that never changes, and a name that they chose. */
export interface Account {
  readonly id: number;
  readonly login: string;
}

/** The accounts of the people that every stand-in has are easy to recognise; other numbers follow from the address. */
const known: Readonly<Record<string, number>> = { "ada@example.com": 583_231, "carl@example.com": 610_042 };

/** The account of a person: the same in every stand-in. */
export function accountOf({ email, sub }: Pick<Person, "email" | "sub">): Account {
  const [name = "", domain = ""] = email.split("@");
  const login = domain === "example.com" ? name : `${name}-${domain}`;
  // As large as a JSON number may be: two of a hundred thousand people must not get the same one.
  const id = known[email] ?? Number(BigInt(sub) % BigInt(Number.MAX_SAFE_INTEGER));
  return { id, login: login.replaceAll(/[^\w-]/g, "-") };
}
