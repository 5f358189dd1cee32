import { accountOf } from "../oauth2/account.ts";
import type { AccessToken } from "../state/ledger.ts";
import { invalidParams, RpcError } from "./json-rpc.ts";

interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: object;
  readonly outputSchema: object;
  /** What the access token must cover. */
  readonly scope: string;
  /** @throws {RpcError} where the arguments are wrong */
  call(input: Readonly<Record<string, unknown>>, token: AccessToken): Readonly<Record<string, unknown>>;
}

function objectSchema(properties: Readonly<Record<string, string>>): object {
  const described = Object.entries(properties).map(([name, type]) => [name, { type }]);
  return { type: "object", properties: Object.fromEntries(described), required: Object.keys(properties) };
}

const tools: readonly Tool[] = [
  {
    name: "whoami",
    title: "Who am I?",
    description: "Says whose account is connected, by which client, and with which scopes.",
    inputSchema: { ...objectSchema({}), additionalProperties: false },
    outputSchema: objectSchema({
      id: "number",
      login: "string",
      email: "string",
      client_id: "string",
      scope: "string",
    }),
    scope: "mcp:whoami",
    call: (_, { authorization: { person }, clientId, scopes }) => ({
      ...accountOf(person),
      email: person.email,
      client_id: clientId,
      scope: scopes.join(" "),
    }),
  },
  {
    name: "add",
    title: "Add",
    description: "Adds two numbers.",
    inputSchema: { ...objectSchema({ a: "number", b: "number" }), additionalProperties: false },
    outputSchema: objectSchema({ sum: "number" }),
    scope: "mcp:add",
    call: ({ a, b }) => {
      if (typeof a !== "number" || typeof b !== "number") throw new RpcError(invalidParams, "a and b must be numbers.");
      return { sum: a + b };
    },
  },
];

/** The scopes of the tools. */
export const toolScopes: readonly string[] = tools.map(({ scope }) => scope);

/** The tool of this name. */
export function toolNamed(name: unknown): Tool | undefined {
  return tools.find((tool) => tool.name === name);
}

/** The tools, as `tools/list` shows them. */
export function toolList(): object[] {
  return tools.map(({ name, title, description, inputSchema, outputSchema }) => ({
    name,
    title,
    description,
    inputSchema,
    outputSchema,
  }));
}

/** What a tool says, as text and as data. */
export function toolResult(output: Readonly<Record<string, unknown>>): object {
  return { content: [{ type: "text", text: JSON.stringify(output) }], structuredContent: output };
}
