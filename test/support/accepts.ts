/** Whether the stand-in's API takes an access token. */
export async function accepts(standin: { readonly url: string }, token: string): Promise<boolean> {
  const response = await fetch(`${standin.url}/v1/userinfo`, { headers: { authorization: `Bearer ${token}` } });
  await response.arrayBuffer();
  return response.ok;
}
