/** Whether a version as QEMU prints it (`10.0.13`) is that one or a later one. */
export function isAtLeast(version: string, major: number, minor: number): boolean {
  const [first, second] = version.split(".").map(Number);
  return first! > major || (first === major && second! >= minor);
}
