/** Values of programs in messages to people. */

/** A value as JSON, of which only so many characters are shown. */
export function shownValue(value: unknown, most: number): string {
  return shortened(jsonOf(value) ?? "nothing", most);
}

/** The beginning of a text. */
export function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}...` : text;
}

/** JSON; what is nested deeper than that can be written is said to be. */
export function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) return "(what is nested too deeply to be shown)";
    throw error;
  }
}
