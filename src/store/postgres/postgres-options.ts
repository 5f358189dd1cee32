/** What `postgres` takes in place of a connection string. */
export interface PostgresOptions {
  /**
   * `postgres://user:password@host:port/database`, with the parameters of libpq that docs/storage.md lists. What it
   * leaves out comes from the `PG…` environment variables.
   */
  readonly connectionString: string;
  /**
   * Leads past a connection pooler, straight to the server. Used for one connection, on which the store listens for
   * changes and shows that its process lives. Needed only where `connectionString` leads to a pooler.
   */
  readonly directConnectionString?: string;
  /** The largest number of connections, the direct one not counted; 8 by default. */
  readonly poolSize?: number;
}
