/** What a hello leaves out is offered in full. */
export function offers(offered: readonly string[] | undefined, one: string): boolean {
  return offered === undefined || offered.includes(one);
}
