/** Examples of each command, as they are typed. Its help shows them at the end. */
export const examples: Readonly<Record<string, readonly string[]>> = {
  demo: ["onbehalf demo", "onbehalf demo --port 0 --data ./demo-data --no-open"],
  init: [
    "onbehalf init",
    "onbehalf init --client-secret-file client_secret.json --public-url https://vault.example.com",
    "onbehalf init --standin --dir ./try",
  ],
  serve: [
    "onbehalf serve --config onbehalf.env",
    "onbehalf serve --store postgres://vault@db.example.com/onbehalf --public-url https://vault.example.com",
  ],
  standin: ["onbehalf standin", "onbehalf standin --port 0 --json", "onbehalf standin --kind oauth2 --expires-in none"],
  "keys generate": ["onbehalf keys generate --out master.key"],
  "keys status": ["onbehalf keys status", "onbehalf keys status --store sqlite:backup.db --key-file old.key"],
  "keys rotate": ["onbehalf keys rotate --key-file both.key"],
  "keys renew": [
    "onbehalf keys renew --no-wait",
    "onbehalf keys renew --class refresh --class read",
    "onbehalf keys renew --erase-retired 90d",
  ],
  "callers create": [
    "onbehalf callers create mailer --allow token,grants:read --out mailer.key",
    'onbehalf callers create team-a --allow proxy --grants "ext:team-a:*" --provider google --expires 90d',
  ],
  "callers list": ["onbehalf callers list"],
  "callers rotate": ["onbehalf callers rotate mailer --overlap 24h --out mailer-2.key"],
  "callers revoke": ["onbehalf callers revoke mailer"],
  "sessions create": [
    "onbehalf sessions create mailer --allow token --grants ext:user-42 --expires 15m",
    'onbehalf sessions create team-a --allow proxy --grants "ext:team-a:*" --provider google --out agent.key',
  ],
  "sessions list": ["onbehalf sessions list", "onbehalf sessions list mailer --json"],
  "sessions revoke": ["onbehalf sessions revoke 5b0c2f9d1e7a4c38", "onbehalf sessions revoke --all mailer"],
  "connect link": ["onbehalf connect link --external-id user-42 --return-url https://app.example.com/settings"],
  "grants list": ["onbehalf grants list", "onbehalf grants list --state lapsed --json"],
  "grants show": ["onbehalf grants show ext:user-42", "onbehalf grants show sub:108204268033311374519"],
  "grants token": ["onbehalf grants token ext:user-42 --min-ttl-seconds 300"],
  "grants probe": [
    "onbehalf grants probe ext:user-42",
    "onbehalf grants probe ext:user-42 --json || echo not connected",
  ],
  "grants revoke": ["onbehalf grants revoke ext:user-42", "onbehalf grants revoke g_4fk2 --yes"],
  "grants adc": [
    "onbehalf grants adc ext:user-42 --caller-key-file reports.key",
    "onbehalf grants adc ext:user-42 --caller-key-file reports.key --out ada.json --expires 90d --public-url https://vault.example.com",
  ],
  "grants deposit": [
    "onbehalf grants deposit tokens.jsonl --provider google --rate 100/s --report report.jsonl",
    "sqlite3 app.db < export.sql | onbehalf grants deposit - --provider google",
  ],
  "audit list": ["onbehalf audit list --grant ext:user-42", "onbehalf audit list --caller mailer --after 1200"],
  "audit verify": ['onbehalf audit verify --head "$(cat head.txt)"'],
  "audit export": ["onbehalf audit export --after 1200 > audit.jsonl"],
  "audit prune": ["onbehalf audit prune --older-than 400d", "onbehalf audit prune --before 2026-01-01 --yes"],
  "audit head": ["onbehalf audit head > head.txt"],
  doctor: ["onbehalf doctor", "onbehalf doctor --config onbehalf.env --offline"],
  explain: [
    "onbehalf explain reauthorization_required",
    `onbehalf explain '{"error":"invalid_grant","error_description":"Bad Request"}'`,
    "onbehalf grants token ext:user-42 2>&1 | onbehalf explain -",
  ],
  migrate: ["onbehalf migrate --store sqlite:/var/lib/onbehalf/onbehalf.db"],
};
