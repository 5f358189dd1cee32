import type { Failure } from "../sql/failure.ts";

/*
 * Failures to reach a server, by the codes that the system, Node and OpenSSL give. The driver has words for some of them
 * and codes for none.
 */

const unreachable = "cannot be reached";
const isItUp = "check that the server is running and accepts connections from this host";

const distrust: Failure = {
  problem: "shows a certificate that is not trusted",
  hint: "give the file of the authority that signed it: sslrootcert=/path/to/ca.pem with sslmode=verify-full",
};

const byCode: Readonly<Record<string, Failure>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: distrust,
  SELF_SIGNED_CERT_IN_CHAIN: distrust,
  UNABLE_TO_GET_ISSUER_CERT: distrust,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: distrust,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: distrust,
  CERT_SIGNATURE_FAILURE: distrust,
  CERT_UNTRUSTED: distrust,
  CERT_REJECTED: distrust,
  CERT_CHAIN_TOO_LONG: distrust,
  INVALID_CA: distrust,
  INVALID_PURPOSE: distrust,
  CERT_REVOKED: { problem: "shows a certificate that was revoked", hint: "give the server a new certificate" },
  CERT_HAS_EXPIRED: {
    problem: "shows a certificate that has expired",
    hint: "renew the server's certificate; if it is valid, check this machine's clock",
  },
  CERT_NOT_YET_VALID: {
    problem: "shows a certificate that is not valid yet",
    hint: "check this machine's clock, and the server's certificate",
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    problem: "shows a certificate for another host",
    hint: "connect by a name that the certificate has; sslmode=verify-ca with sslrootcert checks the authority alone",
  },
  ENOTFOUND: {
    problem: "is on a host that no name server knows",
    hint: "check the host's name, and this machine's DNS",
  },
  EAI_AGAIN: { problem: "is on a host whose name cannot be looked up now", hint: "check this machine's DNS" },
  ECONNREFUSED: { problem: unreachable, hint: isItUp },
  ENOENT: { problem: unreachable, hint: "there is no such socket: check that the server is running on this machine" },
  EACCES: { problem: unreachable, hint: "this user may not open the server's socket: check the rights of its folder" },
};

/** What the driver says without a code: a part of its message, and what that means. */
const byWords: readonly (readonly [RegExp, Failure])[] = [
  [
    /does not support SSL connections/,
    {
      problem: "does not speak TLS",
      hint: "turn on ssl at the server; over a network that you trust, set sslmode=disable",
    },
  ],
  [
    /client password must be/,
    {
      problem: "asks for a password, and none was given",
      hint: "put it into the connection string, or into PGPASSWORD",
    },
  ],
  [
    /^SASL: Only mechanism/,
    { problem: "asks for a password in a way that is not supported", hint: "use scram-sha-256 in pg_hba.conf" },
  ],
  [
    /^SASL: |establishing an SSL connection|not PostgreSQL's protocol|invalid response|authenticationOk/,
    {
      problem: "does not speak PostgreSQL's protocol as it should",
      hint: "check host and port: something else, or a broken proxy, answers there",
    },
  ],
  [
    /time[d]? ?out/i,
    {
      problem: "does not answer",
      hint: "check the server and the network between: a firewall may drop what is sent",
    },
  ],
];

/** What it means that no answer of the server came. */
export function connectionFailure(error: Error): Failure {
  const given = "code" in error && typeof error.code === "string" ? error.code : "";
  const code = /^[A-Z][A-Z0-9_]{1,40}$/.test(given) ? given : undefined;
  const known = code === undefined ? undefined : (byCode[code] ?? tlsFailure(code));
  const failure = known ?? byWords.find(([words]) => words.test(error.message))?.[1];
  const { problem, hint } = failure ?? { problem: unreachable, hint: isItUp };
  return { problem: code === undefined ? problem : `${problem} (${code})`, hint };
}

function tlsFailure(code: string): Failure | undefined {
  if (!/^(?:ERR_SSL_|ERR_TLS_|EPROTO$)/.test(code)) return undefined;
  return {
    problem: "cannot be reached over TLS",
    hint: "check host and port, and which versions of TLS the server speaks",
  };
}
