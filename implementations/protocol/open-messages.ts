/** Messages that are not answered yet, numbered in the order in which they were sent. */
export class OpenMessages {
  #messages: (string | undefined)[] = [];
  /** The id of the first entry of the list. */
  #base = 0;
  /** The place of the first that is open. */
  #first = 0;

  /** Returns the id of a new message. */
  add(message: string): number {
    return this.#base + this.#messages.push(message) - 1;
  }

  /** The id of the message that was sent first; that of the next one when none is open. */
  get first(): number {
    return this.#base + this.#first;
  }

  get isEmpty(): boolean {
    return this.#first === this.#messages.length;
  }

  /** The message of an id, if it is open. */
  get(id: number): string | undefined {
    return this.#messages[id - this.#base];
  }

  /** A message is answered. */
  close(id: number): void {
    const messages = this.#messages;
    messages[id - this.#base] = undefined;
    while (this.#first < messages.length && messages[this.#first] === undefined) this.#first++;
    if (this.#first < messages.length) return;
    this.#base += messages.length;
    this.#first = 0;
    this.#messages = [];
  }

  /** Nothing is open, and counting begins anew. */
  reset(): void {
    this.#messages = [];
    this.#base = 0;
    this.#first = 0;
  }
}
