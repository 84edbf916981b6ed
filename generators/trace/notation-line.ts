/** One line of a trace, taken word by word; whoever takes a word says what it has to be. */

/** A trace cannot be used; the message names the file, the line and what was expected there. */
export class TraceError extends Error {
  override readonly name = "TraceError";
}

export class Line {
  private readonly words: readonly string[];
  private at = 0;

  /** @param text the line; a `#` at its start or after a space begins a comment */
  constructor(
    readonly file: string,
    /** Counted from 1. */
    readonly number: number,
    text: string,
  ) {
    this.words = text
      .replace(/(^|\s)#.*$/, "")
      .split(/\s+/)
      .filter((word) => word !== "");
  }

  /** True when there is nothing on the line. */
  get isBlank(): boolean {
    return this.words.length === 0;
  }

  /** True when every word was taken. */
  get isAtEnd(): boolean {
    return this.at === this.words.length;
  }

  /** Everything that was not taken yet. */
  rest(): string {
    const text = this.words.slice(this.at).join(" ");
    this.at = this.words.length;
    return text;
  }

  /** The next word if it matches, else null. */
  takeIf(pattern: RegExp): RegExpExecArray | null {
    const match = pattern.exec(this.words[this.at] ?? "");
    if (match) this.at++;
    return match;
  }

  /** True when this is the next word, which is then taken. */
  takeWordIf(word: string): boolean {
    if (this.words[this.at] !== word) return false;
    this.at++;
    return true;
  }

  /** The next word, which must match. @throws TraceError saying that `expected` was expected */
  take(expected: string, pattern: RegExp): RegExpExecArray {
    return this.takeIf(pattern) ?? this.fail(expected);
  }

  /** The next word, which must be one of these. @throws TraceError naming them */
  oneOf<Word extends string>(words: readonly Word[]): Word {
    const found = words.find((word) => word === this.words[this.at]);
    if (found === undefined) return this.fail(words.join(" | "));
    this.at++;
    return found;
  }

  /** @throws TraceError when words are left */
  end(): void {
    if (!this.isAtEnd) this.fail("the end of the line");
  }

  /** @throws TraceError always: what was expected where the line is, and what is there */
  fail(expected: string): never {
    const word = this.words[this.at];
    return this.reject(
      `expected ${expected}, found ${word === undefined ? "the end of the line" : `"${word}"`}`,
    );
  }

  /** @throws TraceError always: what is wrong with the line as a whole */
  reject(what: string): never {
    throw new TraceError(`${this.file}:${this.number}: ${what}`);
  }
}
