/** The service's routes as OpenAPI 3.1. */
export function openApiDocument(publicUrl: string): object {
  return { openapi: "3.1.0", info: { title: "Onbehalf", version: "1" }, servers: [{ url: publicUrl }], paths: {} };
}
