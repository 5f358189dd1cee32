// What each act is in code: commands for a shell, and lines for a program in TypeScript. They are true for this very run.
// No comments in the commands: zsh, where people paste, takes them for commands.
// The caller's key never comes to the page: commands read it from the file that the demo keeps it in.

export const driveScope = "https://www.googleapis.com/auth/drive.appdata";
export const signInScopes = "openid email profile";
export const scope = `${signInScopes} ${driveScope}`;

const list = "drive/v3/files?spaces=appDataFolder";
const upload = "upload/drive/v3/files?uploadType=multipart";

/** A text as one word of a shell, whatever is in it. */
export function shellWord(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * @param run `service`, `standin`, `keyFile`, `masterKeyFile`, `database`: the addresses and files of this demo;
 *   `grantId`, `email`: on whose behalf; `newcomer`: the address of somebody who signs in without the Drive folder;
 *   `note`: the text to store
 */
export function codeOf(run) {
  const { service, standin, keyFile, grantId, email, newcomer, note } = run;
  const key = `-H "Authorization: Bearer $(cat ${shellWord(keyFile)})"`;
  const grant = shellWord(`${service}/v1/grants/${grantId}`);
  const id = JSON.stringify(grantId);
  const proxied = (path) => shellWord(`${service}/v1/grants/${grantId}/proxy/www.googleapis.com/${path}`);
  const json = (body) => `--json ${shellWord(JSON.stringify(body))}`;
  const clock = (seconds) => `curl -sS ${standin}/standin/clock ${json({ advance_seconds: seconds })}`;
  const code = (body) => `CODE=$(curl -sS ${standin}/standin/code \\\n  ${json(body)} | grep -o '4/[^"]*')`;
  const handOver = [
    `curl -sS ${service}/authcode -H 'X-Requested-With: curl' \\`,
    `  -d source=android --data-urlencode "authCode=$CODE"`,
  ].join("\n");
  const listNotes = `await vault.fetch(${id}, "https://www.googleapis.com/${list}")`;
  // The acts may stand in one program, one after the other: no name is declared twice.
  const exchange = (grantName, address, more = {}) => [
    `// What the phone sends to your server; vault.authCodeHandler() is that route, ready-made.`,
    `const ${grantName} = await vault.exchangeCode({`,
    `  code: await codeFromPhone(${JSON.stringify({ email: address, ...more })}),`,
    `  source: "android",`,
    `  scopes: scope.split(" "),`,
    `});`,
  ];
  const signIn = (grantName, address) => ({
    curl: [code({ email: address, scope }), handOver],
    typescript: [
      ...exchange(grantName, address),
      `console.log(${grantName}.grantId, ${grantName}.profile.name, ${grantName}.offline);`,
    ],
  });

  return {
    "sign-in": signIn("grant", email),
    write: {
      curl: [
        `curl -sS ${proxied(upload)} \\`,
        `  ${key} \\`,
        `  -H 'Content-Type: multipart/related' \\`,
        `  -F ${formPart("metadata", JSON.stringify({ name: "note.txt", parents: ["appDataFolder"] }), "application/json")} \\`,
        `  -F ${formPart("text", note, "text/plain; charset=UTF-8")}`,
      ],
      typescript: [
        `const created = await vault.fetch(${id}, "https://www.googleapis.com/drive/v3/files", {`,
        `  method: "POST",`,
        `  headers: { "content-type": "application/json" },`,
        `  body: JSON.stringify({ name: "note.txt", parents: ["appDataFolder"] }),`,
        `});`,
        `const { id: noteId } = (await created.json()) as { id: string };`,
        `await vault.fetch(${id}, \`https://www.googleapis.com/upload/drive/v3/files/\${noteId}?uploadType=media\`, {`,
        `  method: "PATCH",`,
        `  headers: { "content-type": "text/plain; charset=UTF-8" },`,
        `  body: ${JSON.stringify(note)},`,
        `});`,
      ],
    },
    read: {
      curl: [`curl -sS ${proxied(list)} \\\n  ${key}`],
      typescript: [`const notes = ${listNotes};`, `console.log(await notes.json());`],
    },
    later: {
      curl: [clock(86_400), `curl -sS ${grant}/token \\\n  ${key}`],
      typescript: [
        `const { token, expiresAt } = await vault.getAccessToken(${id});`,
        `console.log(token.length, expiresAt);`,
      ],
    },
    readers: {
      curl: [
        clock(3_700),
        `curl -sS -Z --no-progress-meter --parallel-max 100 \\`,
        `  ${shellWord(`${service}/v1/grants/${grantId}/token#[1-100]`)} \\`,
        `  ${key} \\`,
        `  -o /dev/null -w '%{http_code}\\n' | sort | uniq -c`,
      ],
      typescript: [
        `const readers = Array.from({ length: 100 }, () => vault.getAccessToken(${id}));`,
        `const tokens = (await Promise.all(readers)).map(({ token }) => token);`,
        `console.log(tokens.length, new Set(tokens).size);`,
      ],
    },
    untick: {
      curl: [
        code({ email: newcomer, scope, granted_scopes: signInScopes }),
        `GRANT=$(${handOver} \\\n  | grep -o '"grant_id":"[^"]*"' | cut -d'"' -f4)`,
        `curl -sS "${service}/v1/grants/$GRANT/proxy/www.googleapis.com/${list}" \\\n  ${key}`,
      ],
      typescript: [
        ...exchange("narrow", newcomer, { granted_scopes: signInScopes }),
        `const refused = await vault.fetch(narrow, "https://www.googleapis.com/${list}");`,
        `console.log(refused.status, narrow.scopes.includes(${JSON.stringify(driveScope)}));`,
      ],
    },
    remove: {
      curl: [
        `curl -sS ${standin}/account/access \\`,
        `  --data-urlencode ${shellWord(`email=${email}`)} -d project=${project(run)}`,
      ],
      typescript: [
        `// The person does this in their account at Google: no code of yours runs.`,
        `// In a test of your own, with startStandin() of "onbehalf/standin": standin.revoke(email).`,
        `await fetch(${JSON.stringify(`${standin}/standin/revoke`)}, {`,
        `  method: "POST",`,
        `  headers: { "content-type": "application/json" },`,
        `  body: ${JSON.stringify(JSON.stringify({ email }))},`,
        `});`,
      ],
    },
    "find-out": {
      curl: [`curl -sS -i ${proxied(list)} \\\n  ${key}`],
      typescript: [
        `try {`,
        `  ${listNotes};`,
        `} catch (error) {`,
        `  if (!isOnbehalfError(error) || error.code !== "reauthorization_required") throw error;`,
        `  console.log(error.details); // keep it, and ask the person to sign in again`,
        `}`,
      ],
    },
    again: signIn("again", email),
    disconnect: {
      curl: [`curl -sS -X DELETE ${grant} \\\n  ${key}`],
      typescript: [`const ended = await vault.revoke(${id});`, `console.log(ended.state);`],
    },
  };
}

/** What stands once at the head of a program: the lines of the acts use its `vault`. */
export function setUp({ standin, database, masterKeyFile }) {
  return [
    `import { google, isOnbehalfError, keyringFromFile, openVault } from "onbehalf";`,
    `import { sqlite } from "onbehalf/sqlite";`,
    ``,
    `const standin = ${JSON.stringify(standin)};`,
    `// At Google it is the file that you download: google({ clientSecretFile }).`,
    `const file = await fetch(\`\${standin}/standin/client_secret.json\`);`,
    `const { client_id: clientId, client_secret: clientSecret } = (await file.json()).web;`,
    `const vault = await openVault({`,
    `  provider: google({ clientId, clientSecret, baseUrl: standin }),`,
    `  store: sqlite(${JSON.stringify(database)}),`,
    `  keyring: keyringFromFile(${JSON.stringify(masterKeyFile)}),`,
    `});`,
    ``,
    `// In your app, the phone's Google SDK does this.`,
    `const scope = ${JSON.stringify(scope)};`,
    `async function codeFromPhone(person: Record<string, string>): Promise<string> {`,
    `  const body = JSON.stringify({ ...person, scope });`,
    `  const headers = { "content-type": "application/json" };`,
    `  const answer = await fetch(\`\${standin}/standin/code\`, { method: "POST", headers, body });`,
    `  return ((await answer.json()) as { code: string }).code;`,
    `}`,
  ];
}

/** The Cloud project is the part of the client's id before the dash. */
function project({ clientId }) {
  return clientId.split("-", 1)[0];
}

/** One part of a form for `curl -F`, which reads a quoted value to its end. */
function formPart(name, value, type) {
  const quoted = value.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return shellWord(`${name}="${quoted}";type=${type}`);
}
