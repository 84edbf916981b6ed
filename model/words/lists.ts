/** Lists that are filled and emptied over and over. */

/** Empties a list and keeps its room: setting its length would give that up, to be taken again at the next value. */
export function empty(list: unknown[]): void {
  shorten(list, 0);
}

/** Keeps the first `length` values of a list, and its room. */
export function shorten(list: unknown[], length: number): void {
  while (list.length > length) list.pop();
}

/** Takes the value at an index out of a list; those behind it move up. */
export function removeAt(list: unknown[], index: number): void {
  for (let at = index + 1; at < list.length; at++) list[at - 1] = list[at];
  list.pop();
}
