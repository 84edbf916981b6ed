/** Text of others, as it can be shown: on a terminal some characters are commands, and others hide what is there. */

/** Control characters but line ends and tabulators, what is invisible or turns lines around, and halves of characters. */
const UNPRINTABLE = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The text with all of these as `\uHHHH`, as JSON writes them: what is JSON stays the same value. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (one) =>
    Array.from({ length: one.length }, (_, at) => unit(one, at)).join(""),
  );
}

function unit(text: string, at: number): string {
  return `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`;
}
