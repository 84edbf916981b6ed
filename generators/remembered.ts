/** A function of a name that works its result out once for each name. */
export function remembered<T>(find: (name: string) => T): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    let found = known.get(name);
    if (found === undefined) {
      found = find(name);
      known.set(name, found);
    }
    return found;
  };
}
