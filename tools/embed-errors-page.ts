/** Writes src/vault/http/errors-page-text.ts anew, after docs/errors.md was changed. */
import { writeFileSync } from "node:fs";
import { errorsPageModule } from "./embedded-errors-page.ts";

writeFileSync("src/vault/http/errors-page-text.ts", errorsPageModule());
