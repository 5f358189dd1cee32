/**
 * keys/ replaces data keys while the store is in use: it makes every process know a new one, lets it seal, and seals anew
 * what older ones have sealed. Master keys do not belong here (open/), nor does what a sealed value means.
 */
import type { PageFacts, Position } from "../../../core/reseal-progress.ts";
import { rightsMac } from "../../../crypto/keyring.ts";
import type { Keyring } from "../../../crypto/keyring.ts";
import {
  callerGrantsPlace,
  clientKeyPlace,
  connectPlace,
  registrationPlace,
  sealedColumns,
  sessionLimitsPlace,
  ticketPlace,
} from "../../../crypto/places.ts";
import type { SealedColumn, SealedPlace } from "../../../crypto/places.ts";
import { sealedUnder } from "../../../crypto/sealing.ts";
import type { ResealedRows } from "../../../store/reseal-store.ts";
import type { Store } from "../../../store/store.ts";
import { accessTokenPlace, profilePlace } from "../../grants/sealed-grant.ts";
import { intakePlace } from "../codes/intake.ts";
import { lateAnswerPlaces } from "../late-answers.ts";
import { refreshTokenPlace } from "../sealed-tokens.ts";

/** A page of rows with what of them must be replaced. */
export interface ResealedPage extends PageFacts {
  readonly rows: ResealedRows;
}

/** Reads a page, and seals anew what is not sealed under the key that seals now. Nothing is written. */
export async function resealPage(
  store: Store,
  keyring: Keyring,
  { table, after }: Position,
  limit: number,
): Promise<ResealedPage> {
  const count = new Count(keyring);
  switch (table) {
    case "callers": {
      const callers = (await store.listCallers()).flatMap((row) => {
        const { callerId, grantsSealed, rightsMac: mac } = row;
        if (grantsSealed === null || mac === null) return [];
        // A row that was changed by hand must not become right by being sealed anew.
        if (!rightsMac(keyring, row).equals(mac)) return count.leave(grantsSealed, "callers.grants");
        const sealed = count.reseal(grantsSealed, callerGrantsPlace(callerId));
        if (sealed === grantsSealed) return [];
        const after = { grantsSealed: sealed, rightsMac: rightsMac(keyring, { ...row, grantsSealed: sealed }) };
        return [{ place: { callerId }, before: { grantsSealed, rightsMac: mac }, after }];
      });
      return { rows: { callers }, last: undefined, isLast: true, ...count.counts };
    }
    case "sessions": {
      const read = await store.sealedSessions(after, limit);
      const sessions = read.flatMap((row) => {
        const { sessionId, limitsSealed, rightsMac: mac } = row;
        // A row that was changed by hand must not become right by being sealed anew.
        if (!rightsMac(keyring, row, "session_rights").equals(mac)) return count.leave(limitsSealed, "sessions.limits");
        const sealed = count.reseal(limitsSealed, sessionLimitsPlace(sessionId));
        if (sealed === limitsSealed) return [];
        const after = {
          limitsSealed: sealed,
          rightsMac: rightsMac(keyring, { ...row, limitsSealed: sealed }, "session_rights"),
        };
        return [{ place: { sessionId }, before: { limitsSealed, rightsMac: mac }, after }];
      });
      return { rows: { sessions }, last: read.at(-1)?.sessionId, isLast: read.length < limit, ...count.counts };
    }
    case "clientKeys": {
      const clientKeys = (await store.listClientKeys()).flatMap((row) => {
        const { issuer, clientId, keySealed } = row;
        const sealed = count.reseal(keySealed, clientKeyPlace(issuer, clientId));
        return sealed === keySealed ? [] : [{ place: row, before: row, after: { keySealed: sealed } }];
      });
      return { rows: { clientKeys }, last: undefined, isLast: true, ...count.counts };
    }
    case "connects": {
      const read = await store.sealedConnects(Buffer.from(after, "hex"), limit);
      const connects = read.flatMap((row) => {
        const { connectHash, askedSealed, flowSealed } = row;
        const sealed = {
          askedSealed: count.reseal(askedSealed, connectPlace("asked", connectHash)),
          flowSealed: flowSealed === null ? null : count.reseal(flowSealed, connectPlace("flow", connectHash)),
        };
        const isSame = sealed.askedSealed === askedSealed && sealed.flowSealed === flowSealed;
        return isSame ? [] : [{ place: row, before: row, after: sealed }];
      });
      const last = read.at(-1)?.connectHash;
      const isLast = read.length < limit;
      return { rows: { connects }, last: last && Buffer.from(last).toString("hex"), isLast, ...count.counts };
    }
    case "registeredClients": {
      const registeredClients = (await store.listRegisteredClients()).flatMap((row) => {
        const { provider, server, clientId, registrationSealed } = row;
        if (registrationSealed === null) return [];
        const sealed = count.reseal(registrationSealed, registrationPlace(provider, server, clientId));
        if (sealed === registrationSealed) return [];
        return [{ place: row, before: { registrationSealed }, after: { registrationSealed: sealed } }];
      });
      return { rows: { registeredClients }, last: undefined, isLast: true, ...count.counts };
    }
    case "lateAnswers": {
      const read = await store.sealedLateAnswers(after, limit);
      const lateAnswers = read.flatMap((row) => {
        const { answerSealed } = row;
        const sealed = count.reseal(answerSealed, ...lateAnswerPlaces(row));
        return sealed === answerSealed ? [] : [{ place: row, before: row, after: { answerSealed: sealed } }];
      });
      return { rows: { lateAnswers }, last: read.at(-1)?.lateAnswerId, isLast: read.length < limit, ...count.counts };
    }
    case "tickets": {
      const read = await store.sealedTickets(Buffer.from(after, "hex"), limit);
      const tickets = read.flatMap((row) => {
        const { ticketHash, contextSealed } = row;
        const sealed = count.reseal(contextSealed, ticketPlace(ticketHash));
        return sealed === contextSealed ? [] : [{ place: row, before: row, after: { contextSealed: sealed } }];
      });
      const last = read.at(-1)?.ticketHash;
      const isLast = read.length < limit;
      return { rows: { tickets }, last: last && Buffer.from(last).toString("hex"), isLast, ...count.counts };
    }
    case "intakes": {
      const read = await store.sealedIntakes(Buffer.from(after, "hex"), limit);
      const intakes = read.flatMap((row) => {
        const { codeHash, clientId, contextSealed, answerSealed, assertionSealed } = row;
        const place = (what: "context" | "answer" | "assertion"): SealedPlace => intakePlace(what, codeHash, clientId);
        const sealed = {
          contextSealed: count.reseal(contextSealed, place("context")),
          answerSealed: answerSealed === null ? null : count.reseal(answerSealed, place("answer")),
          assertionSealed: assertionSealed === null ? null : count.reseal(assertionSealed, place("assertion")),
        };
        const isSame =
          sealed.contextSealed === contextSealed &&
          sealed.answerSealed === answerSealed &&
          sealed.assertionSealed === assertionSealed;
        return isSame ? [] : [{ place: row, before: row, after: sealed }];
      });
      const last = read.at(-1)?.codeHash;
      const isLast = read.length < limit;
      return { rows: { intakes }, last: last && Buffer.from(last).toString("hex"), isLast, ...count.counts };
    }
    case "grants": {
      const read = await store.sealedGrants(after, limit);
      const grants = read.flatMap((row) => {
        const { profileSealed, accessSealed, refreshSealed } = row;
        const sealed = {
          profileSealed: count.reseal(profileSealed, profilePlace(row)),
          accessSealed: accessSealed === null ? null : count.reseal(accessSealed, accessTokenPlace(row)),
          refreshSealed: refreshSealed === null ? null : count.reseal(refreshSealed, refreshTokenPlace(row)),
        };
        const isSame =
          sealed.profileSealed === profileSealed &&
          sealed.accessSealed === accessSealed &&
          sealed.refreshSealed === refreshSealed;
        return isSame ? [] : [{ place: row, before: row, after: sealed }];
      });
      return { rows: { grants }, last: read.at(-1)?.grantId, isLast: read.length < limit, ...count.counts };
    }
  }
}

/** Seals values anew, and counts them. */
class Count {
  readonly #keyring: Keyring;
  #found = 0;
  #unreadable = 0;

  constructor(keyring: Keyring) {
    this.#keyring = keyring;
  }

  get counts(): { readonly found: number; readonly unreadable: number } {
    return { found: this.#found, unreadable: this.#unreadable };
  }

  /**
   * The value, sealed under the key that seals now; the same object where it is so already, or does not open.
   *
   * @param places those that it may have been sealed for
   */
  reseal(sealed: Uint8Array, ...places: readonly [SealedPlace, ...SealedPlace[]]): Uint8Array {
    const [{ column }] = places;
    const keyId = sealedUnder(sealed);
    if (keyId === undefined || keyId === this.#keyring.sealsWith(column)) return sealed;
    for (const place of places) {
      const text = this.#keyring.open(sealed, place);
      if (text === undefined) continue;
      this.#found += 1;
      // In the place where it opened: to bind it to a grant now would bless a value that was put there by hand.
      return this.#keyring.seal(text, place);
    }
    this.leave(sealed, column);
    return sealed;
  }

  /** Counts a value that must stay as it is, where it is under an older key. @returns nothing to replace */
  leave(sealed: Uint8Array, column: SealedColumn): [] {
    const keyId = sealedUnder(sealed) ?? -1;
    const isOlder = keyId !== this.#keyring.sealsWith(column);
    if (isOlder && this.#keyring.holds(keyId, sealedColumns[column])) this.#unreadable += 1;
    return [];
  }
}
