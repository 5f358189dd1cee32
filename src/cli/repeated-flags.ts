/** For flags that may be repeated. */
export function collected(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), text];
}

/** For flags that may be repeated, or have a list with commas. */
export function listed(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), ...text.split(",").map((each) => each.trim())];
}
