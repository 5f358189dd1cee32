/** Sealed tokens that are read from a SQLite file by hand. Its arguments: the path of a new file, and how many grants. */
import { grantIdOf } from "../../tools/key-rotation/fill.ts";
import { serveWork } from "../worker.ts";
import { tokensInSqlite } from "./by-hand-tokens.ts";

const [, , path = "", grants = "1"] = process.argv;
const read = tokensInSqlite(path, Number(grants));
const ids = Array.from({ length: Number(grants) }, (_, n) => grantIdOf(n));
serveWork({ read: (n) => read(ids[n % ids.length] ?? "") });
