-- Which client we are at the authorization server of an MCP server, and which server that is: found or registered once, for
-- all processes. What was registered is sealed; without it nobody can refresh the grants of that client.
CREATE TABLE registered_clients (
  provider            TEXT NOT NULL,
  server              TEXT NOT NULL,
  -- Empty while one process finds out or registers.
  client_id           TEXT NOT NULL,
  registration_sealed BLOB,
  changed_at          INTEGER NOT NULL,
  PRIMARY KEY (provider, server)
) STRICT, WITHOUT ROWID;
