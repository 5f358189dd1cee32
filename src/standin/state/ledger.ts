import { dayMs, hourMs } from "../clock.ts";
import type { OwnClock } from "../clock.ts";
import { newAccessToken, newRefreshToken } from "./opaque-values.ts";
import type { Person } from "./people.ts";
import { isGmailScope, isSignInScope } from "./scopes.ts";
import type { Settings } from "./settings.ts";

/** What one person has allowed one project. It ends as a whole, whichever token is revoked. */
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
  readonly issuedAt: number;
  readonly expiresAt: number;
}

function keyOf(project: string, person: Person): string {
  return `${project} ${person.sub}`;
}

const unusedMs = 183 * dayMs;
const testingMs = 7 * dayMs;
/** How long an ended refresh token is answered with the reason. After that the answer is only "Bad Request". */
const rememberedMs = 12 * hourMs;

/** Who allowed what, and the tokens that were issued for it. */
export class Ledger {
  readonly #clock: OwnClock;
  readonly #settings: Settings;
  readonly #live = new Map<string, Authorization>();
  readonly #refresh = new Map<string, RefreshToken>();
  readonly #access = new Map<string, AccessToken>();
  #families = 0;

  constructor(clock: OwnClock, settings: Settings) {
    this.#clock = clock;
    this.#settings = settings;
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
    authorization: Authorization,
    clientId: string,
    azp: string,
    scopes: readonly string[],
    boundTo?: string,
  ): RefreshToken {
    const now = this.#clock.now();
    const life = this.#settings.refreshTokenTtlSeconds;
    const unissued: Omit<Family, "current"> & { current?: RefreshToken } = {
      id: (this.#families += 1),
      authorization,
      clientId,
      azp,
      scopes,
      createdAt: now,
      boundTo,
      endsAt: life === null ? undefined : now + life * 1_000,
      lastUsedAt: now,
    };
    const family = unissued as Family;
    family.current = this.#mint(family, 0);
    const siblings = (authorization.families.get(clientId) ?? []).filter(
      (sibling) => this.deadSince(sibling) === undefined,
    );
    siblings.push(family);
    while (siblings.length > this.#settings.refreshTokensPerUser) {
      const oldest = siblings.shift();
      if (oldest !== undefined) oldest.endedAt = now;
    }
    authorization.families.set(clientId, siblings);
    return family.current;
  }

  #mint(family: Family, generation: number): RefreshToken {
    const token: RefreshToken = { value: newRefreshToken(), family, generation };
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

  /** When this family ended, if it has: by revocation, by disuse, by its own term, or in testing mode. */
  deadSince(family: Family): number | undefined {
    const beyondSignIn = family.scopes.some((scope) => !isSignInScope(scope));
    const ends = [
      family.endedAt,
      family.authorization.endedAt,
      family.endsAt,
      family.lastUsedAt + unusedMs,
      this.#settings.testingMode && beyondSignIn ? family.createdAt + testingMs : undefined,
    ].filter((at) => at !== undefined && at <= this.#clock.now());
    return ends.length === 0 ? undefined : Math.min(...(ends as number[]));
  }

  /** The description for an ended token: Google gives the reason for about half a day, and then no longer. */
  whyDead(since: number): string {
    return this.#clock.now() - since < rememberedMs ? "Token has been expired or revoked." : "Bad Request";
  }

  issueAccess(from: Omit<AccessToken, "value" | "issuedAt" | "expiresAt">): AccessToken {
    const issuedAt = this.#clock.now();
    this.#forgetExpired(issuedAt);
    const expiresAt = issuedAt + this.#settings.accessTokenTtlSeconds * 1_000;
    const token: AccessToken = { ...from, value: newAccessToken(), issuedAt, expiresAt };
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
    authorization.endedAt ??= this.#clock.now() + this.#settings.revocationLagSeconds * 1_000;
  }

  endFamily(family: Family): void {
    family.endedAt ??= this.#clock.now();
    family.endedWithAccess = true;
  }

  /** Everything of one person, in every project; `project` narrows it to one. */
  authorizationsOf(person: Person, project?: string): Authorization[] {
    return [...this.#live.values()].filter(
      (live) => live.person === person && !this.hasEnded(live) && (project === undefined || live.project === project),
    );
  }

  /** A changed password ends the refresh tokens that reach Gmail, and only those. */
  passwordChanged(person: Person): void {
    for (const authorization of this.authorizationsOf(person)) {
      for (const family of [...authorization.families.values()].flat()) {
        if (family.scopes.some(isGmailScope)) family.endedAt ??= this.#clock.now();
      }
    }
  }
}
