import { createHash } from "node:crypto";

/** Why the token endpoint refuses each request for a person, as a Google Workspace policy can. */
export type AccountRefusal = "invalid_rapt" | "rapt_required" | "admin_policy_enforced";

/** Someone with an account. */
export interface Person {
  readonly sub: string;
  readonly email: string;
  emailVerified: boolean;
  name: string;
  givenName: string;
  familyName: string;
  locale: string;
  /** The Workspace domain, where the account has one. */
  hd?: string;
  refusal?: AccountRefusal | null;
}

function titled(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** The same address always becomes the same person: names from the address, `sub` from its hash. */
function personFor(email: string): Person {
  const digest = createHash("sha256").update(email).digest();
  const digits = (digest.readBigUInt64BE(0) * 1_000_003n + digest.readBigUInt64BE(8)).toString().padStart(20, "7");
  const parts = (email.split("@")[0] ?? "").split(/[^\p{L}\p{N}]+/u).filter((part) => part !== "");
  const givenName = titled(parts[0] ?? "Someone");
  const familyName = parts.length > 1 ? parts.slice(1).map(titled).join(" ") : "Example";
  return {
    sub: `1${digits.slice(-20)}`,
    email,
    emailVerified: true,
    name: `${givenName} ${familyName}`,
    givenName,
    familyName,
    locale: "en",
  };
}

/** Addresses are one account whatever their case. */
function key(email: string): string {
  return email.trim().toLowerCase();
}

export class People {
  readonly #byEmail = new Map<string, Person>();
  readonly #bySub = new Map<string, Person>();

  constructor() {
    Object.assign(this.findOrCreate("ada@example.com"), {
      name: "Ada Lovelace",
      familyName: "Lovelace",
      locale: "en-GB",
    });
    Object.assign(this.findOrCreate("carl@example.com"), { name: "Carl Gauß", familyName: "Gauß", locale: "de" });
  }

  /** The person with this address; where there is none, a new one. */
  findOrCreate(email: string): Person {
    const known = this.#byEmail.get(key(email));
    if (known !== undefined) return known;
    const person = personFor(key(email));
    this.#byEmail.set(person.email, person);
    this.#bySub.set(person.sub, person);
    return person;
  }

  find(emailOrSub: string): Person | undefined {
    return this.#byEmail.get(key(emailOrSub)) ?? this.#bySub.get(emailOrSub);
  }

  all(): Person[] {
    return [...this.#byEmail.values()];
  }
}
