import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

/** Stands between a service and its provider, and writes down every secret that passes. */
export interface Eavesdropper {
  readonly url: string;
  /** Each secret's value, under where it was seen and what it is. It must be found nowhere else. */
  readonly secrets: Map<string, string>;
}

const secretMembers: ReadonlySet<string> = new Set([
  "access_token",
  "refresh_token",
  "id_token",
  "code",
  "code_verifier",
  "client_secret",
  "token",
]);

export async function eavesdropper(t: TestContext, target: string): Promise<Eavesdropper> {
  const secrets = new Map<string, string>();
  const note = (where: string, members: Iterable<readonly [string, unknown]>): void => {
    for (const [name, value] of members) {
      if (secretMembers.has(name) && typeof value === "string") secrets.set(`${where} ${name} ${value}`, value);
    }
  };
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks);
      note("sent", new URLSearchParams(body.toString()));
      const { host: _host, connection: _connection, "content-length": _length, ...headers } = request.headers;
      const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1];
      if (bearer !== undefined) note("sent", [["access_token", bearer]]);
      const answer = await fetch(target + (request.url ?? ""), {
        method: request.method ?? "GET",
        headers: headers as Record<string, string>,
        redirect: "manual",
        ...(body.length === 0 ? {} : { body }),
      });
      const text = Buffer.from(await answer.arrayBuffer());
      try {
        note("received", Object.entries(JSON.parse(text.toString()) as object));
      } catch {
        // A page, or JSON that breaks off: the stand-in puts no secret into these.
      }
      response.writeHead(answer.status, {
        "content-type": answer.headers.get("content-type") ?? "",
        "cache-control": answer.headers.get("cache-control") ?? "",
        ...Object.fromEntries(
          ["location", "retry-after", "www-authenticate"].flatMap((name) => {
            const value = answer.headers.get(name);
            return value === null ? [] : [[name, value]];
          }),
        ),
      });
      response.end(text);
    })().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, secrets };
}
