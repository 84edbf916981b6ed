/** A result as a file: written for other programs, and read again for reports. */
import { isLeft } from "fp-ts/lib/Either.js";
import { mismatch } from "../implementations/protocol/mismatch.js";
import { RESULT_FORMAT, type Result, resultCodec } from "./result.js";

/** A file that is no result of this format; the message says why. */
export class ResultError extends Error {
  override readonly name = "ResultError";
}

/** The result as JSON. */
export function resultAsJson(result: Result): string {
  return JSON.stringify(result, null, 2);
}

/**
 * The result that a text holds.
 * @throws ResultError when it is cut short, no result, one of another format, or does not fit
 */
export function resultFrom(text: string): Result {
  const data = parsed(text);
  const format = typeof data === "object" && data !== null && "format" in data ? data.format : undefined;
  if (format !== RESULT_FORMAT) throw new ResultError(wrongFormat(format));
  const decoded = resultCodec.decode(data);
  if (isLeft(decoded)) throw new ResultError(`not a usable result: ${mismatch(decoded.left)}`);
  return decoded.right;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ResultError(`not JSON, or cut short (${(error as Error).message})`);
  }
}

function wrongFormat(format: unknown): string {
  if (typeof format !== "string" || !format.startsWith("iommu-spec "))
    return 'no result of this program: its "format" is missing; `iommu-spec check --json` writes results';
  if (format.startsWith("iommu-spec result "))
    return `it is an "${format}", and this program reads "${RESULT_FORMAT}": run the check again with --json`;
  return `it is an "${format}", not an "${RESULT_FORMAT}"`;
}
