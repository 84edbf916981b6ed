/** Configuration spaces from the hex dumps of `lspci -xxx` (256 bytes) or `lspci -xxxx` (4096 bytes). */
import type { ConfigurationSpace } from "./configuration-space.js";

const FUNCTION = /^(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([0-9a-f]{2})\.([0-7]) /;
const BYTES = /^([0-9a-f]{2,3}):((?: [0-9a-f]{2}){1,16})\s*$/;
const SIZES: readonly number[] = [64, 256, 4096];

/** A dump cannot be used; the message says which line, and what was expected. */
export class LspciError extends Error {
  override readonly name = "LspciError";
}

/**
 * The functions of a dump. Lines of other kinds (`lspci -v`) are passed over.
 * @throws LspciError when there is no function in it, or the bytes of one are missing or not in order
 */
export function parseLspci(text: string): readonly ConfigurationSpace[] {
  const found: { space: Omit<ConfigurationSpace, "bytes">; bytes: number[]; line: number }[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const head = FUNCTION.exec(line);
    if (head) {
      const [segment, bus, device, number] = head.slice(1).map((one) => Number.parseInt(one ?? "0", 16));
      const space = { segment: segment!, bus: bus!, device: device!, function: number! };
      found.push({ space, bytes: [], line: index + 1 });
      continue;
    }
    const row = BYTES.exec(line);
    const last = found[found.length - 1];
    if (!row || !last) continue;
    if (Number.parseInt(row[1]!, 16) !== last.bytes.length)
      throw new LspciError(`line ${index + 1}: expected the bytes from ${last.bytes.length.toString(16)} on`);
    last.bytes.push(
      ...row[2]!
        .trim()
        .split(" ")
        .map((byte) => Number.parseInt(byte, 16)),
    );
  }
  if (found.length === 0) throw new LspciError("no function in it; expected the output of `lspci -xxxx`");
  for (const { bytes, line } of found)
    if (!SIZES.includes(bytes.length))
      throw new LspciError(
        `line ${line}: ${bytes.length} bytes of configuration space follow; expected ${SIZES.join(", ")} (\`lspci -xxxx\`, as root)`,
      );
  return found.map(({ space, bytes }) => ({ ...space, bytes: Uint8Array.from(bytes) }));
}
