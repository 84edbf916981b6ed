/**
 * Writes a web of objects as numbers, equal for webs that say the same: class by class, field by field. Functions say
 * nothing, as those that drivers keep refer to nothing that changes. Pages for tables are numbered as they come up, because
 * any of them is as good as any other; of steps only their order is told.
 */
import { OPEN } from "../../../model/words/memory.js";

/** What stands before a value of each kind. */
const Mark = {
  nothing: 1,
  text: 2,
  number: 3,
  list: 4,
  map: 5,
  again: 6,
  object: 7,
  page: 8,
  time: 9,
  yes: 10,
  no: 11,
} as const;

/** How the objects of a class are written. */
export interface ClassRules {
  /** Fields that are left out. */
  readonly without?: readonly string[];
  /** Its maps and sets are only looked things up in, so the order of their entries does not matter. */
  readonly unordered?: boolean;
  /** Fields that hold steps. */
  readonly steps?: readonly string[];
  /** Numbers in fields, as something else that says as much. */
  readonly instead?: Readonly<Record<string, (value: never, object: never) => unknown>>;
}

export class StateWriter {
  private numbers: number[] = [];
  private readonly pages = new Map<number, number>();
  private readonly known = new Map<object, number>();
  /** Places in the numbers that hold steps. */
  private readonly times: number[] = [];

  /**
   * @param rulesOf how objects of a class are written; null for those that are left out
   * @param isTablePage true for a number that is that of a page for tables
   * @param first steps before this one are all the same
   */
  constructor(
    private readonly rulesOf: (object: object) => ClassRules | null,
    private readonly isTablePage: (value: number) => boolean,
    private readonly first: number,
  ) {}

  /** Everything that was written, with ranks in place of steps. */
  result(): readonly number[] {
    const { numbers } = this;
    const steps = new Set<number>();
    for (const at of this.times) steps.add(numbers[at]!);
    const ranks = new Map([...steps].sort((one, other) => one - other).map((step, rank) => [step, rank]));
    for (const at of this.times) numbers[at] = ranks.get(numbers[at]!)!;
    return numbers;
  }

  /** The number that a page for tables has got, or gets now. */
  nameOfPage(page: number): number {
    let name = this.pages.get(page);
    if (name === undefined) {
      name = this.pages.size;
      this.pages.set(page, name);
    }
    return name;
  }

  step(step: number): void {
    this.numbers.push(Mark.time);
    this.times.push(this.numbers.length);
    this.numbers.push(step !== OPEN && step < this.first ? 0 : step);
  }

  plain(value: number): void {
    this.numbers.push(value);
  }

  number(value: number): void {
    if (this.isTablePage(value)) this.numbers.push(Mark.page, this.nameOfPage(value));
    else this.numbers.push(Mark.number, value | 0, Math.floor(value / 0x100000000));
  }

  value(value: unknown, unordered = false): void {
    switch (typeof value) {
      case "number":
        this.number(value);
        break;
      case "string":
        this.text(value);
        break;
      case "boolean":
        this.numbers.push(value ? Mark.yes : Mark.no);
        break;
      case "object":
        if (value !== null) this.object(value, unordered);
        else this.numbers.push(Mark.nothing);
        break;
      default:
        this.numbers.push(Mark.nothing);
    }
  }

  private text(text: string): void {
    this.numbers.push(Mark.text, text.length);
    for (let at = 0; at < text.length; at++) this.numbers.push(text.charCodeAt(at));
  }

  private object(object: object, unordered: boolean): void {
    const before = this.known.get(object);
    if (before !== undefined) {
      this.numbers.push(Mark.again, before);
      return;
    }
    this.known.set(object, this.known.size);
    if (Array.isArray(object)) this.list(Mark.list, object);
    else if (object instanceof Map) this.map(object, unordered);
    else if (object instanceof Set)
      this.list(
        Mark.list,
        unordered ? [...object].sort((one, other) => this.inOrder(one, other)) : [...object],
      );
    else if (ArrayBuffer.isView(object)) this.list(Mark.list, [...(object as Uint32Array)]);
    else this.fields(object);
  }

  private list(mark: number, list: readonly unknown[]): void {
    this.numbers.push(mark, list.length);
    for (const one of list) this.value(one);
  }

  private map(map: ReadonlyMap<unknown, unknown>, unordered: boolean): void {
    const entries = [...map];
    if (unordered) entries.sort(([one], [other]) => this.inOrder(one, other));
    this.numbers.push(Mark.map, entries.length);
    for (const [key, value] of entries) {
      this.value(key);
      this.value(value, unordered);
    }
  }

  private fields(object: object): void {
    const rules = this.rulesOf(object);
    if (!rules) return;
    this.text(object.constructor.name);
    this.numbers.push(Mark.object);
    const { without, steps, unordered, instead } = rules;
    for (const [name, value] of Object.entries(object)) {
      if (typeof value === "function" || without?.includes(name)) continue;
      if (steps?.includes(name)) this.step(value as number);
      else this.value(instead?.[name] ? instead[name](value as never, object as never) : value, unordered);
    }
  }

  /** Pages for tables that have come up come first, in that order. */
  private inOrder(one: unknown, other: unknown): number {
    if (typeof one === "number" && typeof other === "number") return this.placeOf(one) - this.placeOf(other);
    return String(one) < String(other) ? -1 : 1;
  }

  private placeOf(value: number): number {
    const name = this.pages.get(value);
    return name === undefined ? value : name - this.pages.size;
  }
}
