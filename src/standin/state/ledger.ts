import type { OwnClock } from "../clock.ts";
import type { Person } from "./people.ts";

/** How long tokens live. */
export interface TokenLives {
  /** Seconds; null: no end. */
  readonly accessTokenTtlSeconds: number | null;
  /** Seconds; null: no end. */
  readonly refreshTokenTtlSeconds: number | null;
  /** Per authorization and client; one more silently ends the oldest. */
  readonly refreshTokensPerUser: number;
  readonly revocationLagSeconds: number;
}

/** What is different in each kind of stand-in. */
export interface TokenRules {
  /** Read at each use: a test may change them at any time. */
  lives(): TokenLives;
  newAccessToken(): string;
  newRefreshToken(): string;
  /** When else a family ends, milliseconds since the epoch: by disuse, for one. */
  alsoEndsAt(family: Family): number | undefined;
}

/** What one person has allowed one project: in kinds without projects, one client. */
export interface Authorization {
  readonly person: Person;
  readonly project: string;
  readonly scopes: Set<string>;
  /** Per client: families in the order they were issued. A client that is in here had a refresh token. */
  readonly families: Map<string, Family[]>;
  /** When it ended, or will have: a revocation may take a while to take effect. */
  endedAt?: number;
}

/** A refresh token and those that replaced it. */
export interface Family {
  readonly id: number;
  readonly authorization: Authorization;
  readonly clientId: string;
  /** The client on the phone, where the code came from one. */
  readonly azp: string;
  readonly scopes: readonly string[];
  readonly createdAt: number;
  /** The thumbprint of the key that its refresh tokens are bound to (RFC 9449 section 5). Absent: to none. */
  readonly boundTo?: string | undefined;
  /** The resources that its access tokens are for (RFC 8707). Absent: nobody said. */
  readonly resources?: readonly string[] | undefined;
  /** Time-based access ends then. */
  readonly endsAt: number | undefined;
  lastUsedAt: number;
  current: RefreshToken;
  endedAt?: number;
  /** Whether the access tokens of this family ended with it. */
  endedWithAccess?: boolean;
}

export interface RefreshToken {
  readonly value: string;
  readonly family: Family;
  /** How many refresh tokens came before it in its family. */
  readonly generation: number;
  supersededAt?: number;
}

export interface AccessToken {
  readonly value: string;
  readonly authorization: Authorization;
  readonly family: Family | undefined;
  readonly clientId: string;
  readonly azp: string;
  readonly scopes: readonly string[];
  /** The resources that accept it (RFC 8707). Absent: nobody said. */
  readonly audience?: readonly string[] | undefined;
  readonly issuedAt: number;
  /** `Infinity`: it has no end. */
  readonly expiresAt: number;
}

function keyOf(project: string, person: Person): string {
  return `${project} ${person.sub}`;
}

/** Who allowed what, and the tokens that were issued for it. */
export class Ledger {
  readonly #clock: OwnClock;
  readonly #rules: TokenRules;
  readonly #live = new Map<string, Authorization>();
  readonly #refresh = new Map<string, RefreshToken>();
  readonly #access = new Map<string, AccessToken>();
  #families = 0;

  constructor(clock: OwnClock, rules: TokenRules) {
    this.#clock = clock;
    this.#rules = rules;
  }

  /** What this person allows this project now. */
  authorization(person: Person, project: string): Authorization | undefined {
    const known = this.#live.get(keyOf(project, person));
    return known === undefined || this.hasEnded(known) ? undefined : known;
  }

  /** The person agreed to these scopes, besides those agreed to before. */
  consent(person: Person, project: string, scopes: readonly string[]): Authorization {
    const known = this.authorization(person, project);
    const authorization = known ?? {
      person,
      project,
      scopes: new Set<string>(),
      families: new Map<string, Family[]>(),
    };
    for (const scope of scopes) authorization.scopes.add(scope);
    this.#live.set(keyOf(project, person), authorization);
    return authorization;
  }

  /** Issues the first refresh token of a new family. Where that is one too many, the oldest family silently ends. */
  startFamily(
    from: Pick<Family, "authorization" | "clientId" | "azp" | "scopes" | "boundTo" | "resources">,
  ): RefreshToken {
    const { authorization, clientId } = from;
    const now = this.#clock.now();
    const { refreshTokenTtlSeconds: life, refreshTokensPerUser: most } = this.#rules.lives();
    const unissued: Omit<Family, "current"> & { current?: RefreshToken } = {
      ...from,
      id: (this.#families += 1),
      createdAt: now,
      endsAt: life === null ? undefined : now + life * 1_000,
      lastUsedAt: now,
    };
    const family = unissued as Family;
    family.current = this.#mint(family, 0);
    const siblings = (authorization.families.get(clientId) ?? []).filter(
      (sibling) => this.deadSince(sibling) === undefined,
    );
    siblings.push(family);
    while (siblings.length > most) {
      const oldest = siblings.shift();
      if (oldest !== undefined) oldest.endedAt = now;
    }
    authorization.families.set(clientId, siblings);
    return family.current;
  }

  #mint(family: Family, generation: number): RefreshToken {
    const token: RefreshToken = { value: this.#rules.newRefreshToken(), family, generation };
    this.#refresh.set(token.value, token);
    return token;
  }

  refreshToken(value: string): RefreshToken | undefined {
    return this.#refresh.get(value);
  }

  /** Replaces the current refresh token of a family. */
  rotate(family: Family): RefreshToken {
    family.current.supersededAt = this.#clock.now();
    family.current = this.#mint(family, family.current.generation + 1);
    return family.current;
  }

  /** When this family ended, if it has: by revocation, by its own term, or as the kind says. */
  deadSince(family: Family): number | undefined {
    const ends = [family.endedAt, family.authorization.endedAt, family.endsAt, this.#rules.alsoEndsAt(family)].filter(
      (at) => at !== undefined && at <= this.#clock.now(),
    );
    return ends.length === 0 ? undefined : Math.min(...(ends as number[]));
  }

  issueAccess(from: Omit<AccessToken, "value" | "issuedAt" | "expiresAt">): AccessToken {
    const issuedAt = this.#clock.now();
    this.#forgetExpired(issuedAt);
    const life = this.#rules.lives().accessTokenTtlSeconds;
    const expiresAt = life === null ? Infinity : issuedAt + life * 1_000;
    const token: AccessToken = { ...from, value: this.#rules.newAccessToken(), issuedAt, expiresAt };
    this.#access.set(token.value, token);
    return token;
  }

  /** An expired bearer is answered as an unknown one, so the oldest can go as soon as they have expired. */
  #forgetExpired(now: number): void {
    for (const [value, token] of this.#access) {
      if (token.expiresAt > now) return;
      this.#access.delete(value);
    }
  }

  /** The access token behind a bearer, while it is good. */
  bearer(value: string): AccessToken | undefined {
    const token = this.#access.get(value);
    if (token === undefined || token.expiresAt <= this.#clock.now()) return undefined;
    if (this.hasEnded(token.authorization)) return undefined;
    return token.family?.endedWithAccess === true ? undefined : token;
  }

  hasEnded(authorization: Authorization): boolean {
    return authorization.endedAt !== undefined && authorization.endedAt <= this.#clock.now();
  }

  /**
   * Everything this person allowed this project ends: every scope, every token, every client. Where that takes a while,
   * what is agreed to in the meantime ends with it.
   */
  end(authorization: Authorization): void {
    authorization.endedAt ??= this.#clock.now() + this.#rules.lives().revocationLagSeconds * 1_000;
  }

  endFamily(family: Family): void {
    family.endedAt ??= this.#clock.now();
    family.endedWithAccess = true;
  }

  /** One access token ends, and nothing with it. */
  endAccess(token: AccessToken): void {
    this.#access.delete(token.value);
  }

  /** Everything of one person, in every project; `project` narrows it to one. */
  authorizationsOf(person: Person, project?: string): Authorization[] {
    return [...this.#live.values()].filter(
      (live) => live.person === person && !this.hasEnded(live) && (project === undefined || live.project === project),
    );
  }
}
