// Calls the demo's own routes. An error comes as problem details (RFC 9457).

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.error_description ?? `the server answered ${status}`);
    this.status = status;
    this.code = problem.error ?? "unexpected_answer";
    this.hint = problem.hint;
  }
}

async function answered(response) {
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, body);
  return body;
}

const ours = { "X-Requested-With": "XMLHttpRequest", Accept: "application/json" };

export async function get(path, query = {}) {
  return answered(await fetch(`${path}?${new URLSearchParams(query)}`));
}

export async function post(path, form = {}) {
  return answered(await fetch(path, { method: "POST", headers: ours, body: new URLSearchParams(form) }));
}

export async function remove(path, query = {}) {
  return answered(await fetch(`${path}?${new URLSearchParams(query)}`, { method: "DELETE", headers: ours }));
}
