/** What somebody without a key may think of; `n` makes each one another. */
export const floodShapes: readonly ((n: number) => object)[] = [
  (n) => ({ authCode: `4/0Agarbage-${n}` }),
  () => ({ authCode: "4/0Aalways-the-same" }),
  (n) => ({ authCode: "4/0Aanother-nonce-each-time", nonce: `nonce-${n}` }),
  (n) => ({ authCode: `4/0A${n}`.padEnd(2_048, "x") }),
  (n) => ({ authCode: `4/0Auri-${n}`, redirect_uri: "https://app.example/".padEnd(2_048, "u") }),
  (n) => ({ authCode: `4/0Alonguri-${n}`, redirect_uri: "https://app.example/".padEnd(22_000, "/") }),
  (n) => ({ authCode: `4/0Ascope-${n}`, scope: `s${n} `.padEnd(8_192, "s") }),
  (n) => ({ authCode: `4/0Alongscope-${n}`, scope: `s${n} `.padEnd(60_000, "s") }),
  (n) => ({ authCode: `4/0Astate-${n}`, state: "s".repeat(40_000) }),
  (n) => Object.fromEntries(Array.from({ length: 3_000 }, (_, at) => [`member_${n}_${at}`, "x"])),
  (n) => ({ authCode: `4/0Aexternal-${n}`, external_id: "somebody else" }),
];
