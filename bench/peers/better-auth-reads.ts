/** Better Auth in the program's own process. Its argument: how many users, who are asked for in turn. */
import { DatabaseSync } from "node:sqlite";
import { accessTokenOf, grantIdOf } from "../../tools/key-rotation/fill.ts";
import { serveWork } from "../worker.ts";
import { betterAuthUsers } from "./better-auth.ts";

const [, , count = "1"] = process.argv;
const accessTokenExpiresAt = new Date(Date.now() + 86_400_000);
const { users, accessToken } = await betterAuthUsers(new DatabaseSync(":memory:"), Number(count), (n) => ({
  accessToken: accessTokenOf(grantIdOf(n)),
  refreshToken: `1//refresh-${n}`,
  accessTokenExpiresAt,
}));
serveWork({
  read(n) {
    const user = users[n % users.length];
    if (user === undefined) throw new Error("there are no users");
    return accessToken(user);
  },
});
