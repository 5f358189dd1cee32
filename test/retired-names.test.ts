import assert from "node:assert/strict";
import { globSync, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";

/** A name that meant the same as another, or something else elsewhere. */
interface Retired {
  readonly use: string;
  /** What must stand nowhere. Narrow enough to let ordinary English through. */
  readonly names: RegExp;
  /** The folder to look in, where the word is right elsewhere. */
  readonly inside?: string;
  /** Where users or the database know the thing by its old name: taken out of a line before it is looked at. */
  readonly except?: RegExp;
}

const retired: readonly Retired[] = [
  { use: "keeper", names: /[eE]xchangers?\b|[cC]ustod(?:y|ian)/ },
  {
    use: "exchangeCode",
    names: /\bredeem/i,
    // What providers say of a code.
    except: /\bredeemed\b/g,
  },
  { use: "beginAttempt, Attempted", names: /\bacquire\(|\bBegun\b(?! in\b)/ },
  { use: "Deferred", names: /\bNotNow\b|\bturnedAway\b|\bheldBack\b/ },
  { use: "cancelAttempt", names: /\bgiveBack\b|\bwithdraw\(/, inside: "src/vault/" },
  {
    use: "Permit, Admitted, Rejected, isBlocking",
    names: /\bTurn\b(?! )|\badmission\b|\bisShut\b|\bpass\.(?:success|failure|release)\b|\.pass\b/,
  },
  { use: "SlidingWindow, ProviderFailure, Priority", names: /\b[lL]astSecond\b|\bTrouble\b|\b[uU]rgency\b/ },
  {
    use: "HttpResult, TokenResponse, Decision",
    names: /\bTokenReply\b|\bTokenAnswer\b|\bAfterAnswer\b/i,
    // An option of a provider's record: where in the token endpoint's answer it says whose token it is.
    except: /\btokenAnswer\b/g,
  },
  {
    use: "lateAnswer",
    names: /orphan/i,
    // The table with its column, where its answers are sealed for, and what events call one.
    except: /\borphans\b|\borphan_id\b|\bas(?::| ===) "orphan"/g,
  },
  { use: "attempt for the row, take-over for the decision", names: /\bleases?\b/i, except: /stealable[ -]lease\b/g },
  // An intent of Android's is another thing.
  { use: "attempt", names: /\bintents?\b/ },
  {
    use: "TokenCache, version",
    names: /TokenMemory|\bepoch(?:Of)?\b/,
    // Elsewhere it is how often a store was restored.
    inside: "src/vault/tokens/",
    // The Unix epoch, which times are counted from.
    except: /\bthe (?:Unix )?epoch\b|\bepoch (?:seconds|milliseconds|FROM)\b/g,
  },
  {
    use: "cacheKey, loadClient, openStoreKeyring, rotateMasterKey, newOwner, ownerGone",
    names: /\brefKey\b|\bclientFor\b|\bunlock\(|\brewrap\b|\benlist\b|\bretire\(/,
  },
  { use: "malformed-request, isAmbiguousPath, readSetting", names: /(?<!grant-)\bunreadable\.ts|\bisOdd\b|\bDraft\b/ },
  { use: "DriveRequests, StandinState, findOrCreate", names: /\bdesk\b|\bWorld\b|\bworld\b(?!")|\bmeet\(/i },
  { use: "faultRates", names: /\bweather\b/i },
  { use: "InvariantChecker", names: /\bwitness/i },
  {
    use: "simulatedProcess",
    names: /\bactors?\b/i,
    // Who acts for the subject in a token exchange, as RFC 8693 has it.
    except: /\b(?:an|the) actor\b/g,
  },
  { use: "injectedFault", names: /\bblows?\b/i },
  { use: "slot", names: /\bberths?\b/i },
  { use: "injectFaults", names: /\bhavoc\b/i },
  { use: "victims", names: /\bexpendable\b/i },
  { use: "testVault", names: /house\b|\bhouses\b/i },
  { use: "sharedStandin", names: /\bstreet\b/i },
  { use: "newRequests", names: /\bnews\b(?! of)/, inside: "test/" },
  { use: "testService", names: /\bserving\(|\bServing\b|support\/serving\b/ },
  { use: "writeCredentials", names: /\bfurnish\b/i },
  { use: "secretEncodings", names: /\bdisguises\b/i },
  { use: "faultCases", names: /\bMeal\b|\bmishaps?\b/ },
];

/** Of each line where a name stands that is retired: where, and what. A file's own path counts as a line. */
function found({ names, inside = "", except }: Retired): string[] {
  return texts.flatMap(([file, text]) => {
    if (!file.startsWith(inside)) return [];
    return [file, ...text.split("\n")].flatMap((line, number) => {
      const name = names.exec(except === undefined ? line : line.replaceAll(except, ""))?.[0];
      return name === undefined ? [] : [`${file}:${number}: ${name}`];
    });
  });
}

const texts: readonly (readonly [file: string, text: string])[] = globSync("{src,test,tools,docs}/**/*")
  .filter((file) => basename(file) !== basename(import.meta.filename) && statSync(file).isFile())
  // What npm installs there is others'.
  .filter((file) => !file.includes("node_modules/"))
  // A migration that was released is never changed, whatever its words are.
  .filter((file) => !/^src\/store\/\w+\/migrations\.ts$/.test(file))
  .map((file) => [file, readFileSync(file, "utf8")] as const)
  .filter(([, text]) => !text.includes("\0"));

for (const row of retired) {
  test(`one name for one thing: ${row.use}, and no name that it had before`, () => {
    assert.deepEqual(found(row), [], `say ${row.use}`);
  });
}
