import assert from "node:assert/strict";
import { inspect } from "node:util";
import { isOnbehalfError } from "../../src/core/errors.ts";
import type { ErrorCode } from "../../src/core/errors.ts";

/**
 * For `assert.rejects`: an error of ours with this code and with what to do, that names `about`.
 *
 * @param secrets values that must stand nowhere in the error, at any depth
 */
export function fails(code: ErrorCode, about = "", secrets: readonly string[] = []): (error: unknown) => true {
  return (error) => {
    assert.ok(isOnbehalfError(error), `not an error of ours: ${String(error)}`);
    assert.equal(error.code, code, error.message);
    assert.ok(error.message.includes(about), error.message);
    assert.notEqual(error.hint, "");
    const everything = inspect(error, { depth: 20, showHidden: true });
    for (const secret of secrets) assert.ok(!everything.includes(secret), `${secret} in ${error.message}`);
    return true;
  };
}
