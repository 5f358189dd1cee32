/** Google's own client, with credentials that are valid: it answers from its memory. */
import { OAuth2Client } from "google-auth-library";
import { accessTokenOf, grantIdOf } from "../../tools/key-rotation/fill.ts";
import { serveWork } from "../worker.ts";

const client = new OAuth2Client({ clientId: "client", clientSecret: "secret" });
client.setCredentials({
  access_token: accessTokenOf(grantIdOf(0)),
  refresh_token: "1//refresh",
  expiry_date: Date.now() + 86_400_000,
});
serveWork({ read: () => client.getAccessToken() });
