/** Steps of a trace that store to tables and write lines back. */
import type { Word } from "../../model/trace.js";
import type { Place } from "../software.js";
import type { Dialect, NamedDomain, TraceNames } from "./notation-dialect.js";
import { domainNamed, type TraceDomain, type TraceHeader } from "./notation-header.js";
import type { Line } from "./notation-line.js";
import type { TraceRecorder } from "./notation-recorder.js";
import { TraceTables } from "./notation-tables.js";
import * as words from "./notation-words.js";

const ZERO: Word = { low: 0, high: 0 };
const DEVICE_ENTRY_BITS = 128;
const PAGE_TABLE_ENTRY_BITS = 64;

/** A domain with its top table, once it has one. */
interface Domain extends TraceDomain {
  top: number | null;
}

export class TraceMemory implements TraceNames {
  private readonly tables: TraceTables;
  private readonly domains = new Map<string, Domain>();
  /** Pages that hold tables now. */
  private readonly tablePages = new Set<number>();
  /** Lines that were stored to and not written back since, as `page * 64 + line`. */
  private readonly dirty = new Set<number>();

  constructor(
    private readonly header: TraceHeader,
    private readonly dialect: Dialect,
    private readonly recorder: TraceRecorder,
  ) {
    this.tables = new TraceTables(dialect.pageTables, dialect.deviceEntries, {
      allocated: (page) => this.allocate(page),
      stored: (page, word, value) => this.stored(page, word, value),
    });
    for (const page of dialect.firstTables) this.allocate(page);
  }

  /** The domain id that device entries of a domain carry. */
  domainId(name: string): number {
    return this.domainOf(name).id;
  }

  domain(name: string): NamedDomain {
    const domain = this.domainOf(name);
    return { id: domain.id, levels: domain.levels, top: () => this.topOf(domain) };
  }

  private domainOf(name: string): Domain {
    let domain = this.domains.get(name);
    if (!domain) {
      const { profile, domains } = this.header;
      domain = { ...(domains.get(name) ?? domainNamed(name, profile)), top: null };
      this.domains.set(name, domain);
    }
    return domain;
  }

  private topOf(domain: Domain): number {
    domain.top ??= this.tables.allocate();
    return domain.top;
  }

  /** A page becomes one that holds tables. */
  allocate(page: number): void {
    this.tablePages.add(page);
    this.recorder.say({ event: "allocate-table", page });
  }

  /** `t1`, or `d1` for the top table of a domain, which gets another one when it needs one. */
  free(line: Line): void {
    const name = words.takeDomainIf(line);
    const domain = name === null ? null : this.domainOf(name);
    const page = domain ? domain.top : words.takePage(line);
    if (page === null || !this.tablePages.delete(page)) line.reject("that is no page of tables");
    else this.recorder.say({ event: "free-table", page });
    if (domain) domain.top = null;
  }

  private stored(page: number, word: number, { low, high }: Word): void {
    this.recorder.actions.push({ do: "store", page, word, low, high });
    this.dirty.add(page * 64 + (word >>> 3));
  }

  /** `d1[10] = p1 rw` and the like; the place is taken already. */
  storeEntries(line: Line, place: words.EntryPlace): void {
    line.take("=", /^=$/);
    const none = line.takeIf(/^none$/) !== null;
    const value = none ? () => ZERO : this.takeValue(line, place);
    for (let index = 0; index < place.count; index++)
      this.tables.store(this.placeOf(line, place, index, !none), value(index));
  }

  /** Where entry `index` of a range is. */
  private placeOf(line: Line, place: words.EntryPlace, index: number, build: boolean): Place {
    const { domain: name, level } = place;
    if (name === null) return { page: place.page, word: place.first + index };
    const domain = this.domainOf(name);
    const iova = place.first + index;
    if (iova >= 512 ** domain.levels || level > domain.levels)
      line.reject(`the tables of ${name} have ${domain.levels} levels: nothing is there`);
    const top = { page: this.topOf(domain), level: domain.levels };
    const found = this.tables.entryAt(top, iova, level, build);
    return (
      found ??
      line.reject("there is no such entry: a table above it is missing, maps a page, or leaves the level out")
    );
  }

  /** What entry `index` of the place is to hold. */
  private takeValue(line: Line, { count, level }: words.EntryPlace): (index: number) => Word {
    const { pageTables } = this.dialect;
    const run = words.takeRunIf(line) ?? line.fail("none, or a page such as p1 or t1");
    if (run.pages !== count) line.reject(`${count} entries, but ${run.pages} pages`);
    if (count > 1 && level > 1) line.reject("a range of entries is of level 1");
    const rights = words.takeRightsIf(line);
    if (rights === null) {
      const link = this.takeLink(line, run.page, level);
      const bits = words.takeBits(line, PAGE_TABLE_ENTRY_BITS);
      return () => withBits([link], bits)[0]!;
    }
    const large = pageTables.takeLargePage(line, level, run, rights);
    const bits = words.takeBits(line, PAGE_TABLE_ENTRY_BITS);
    return (index) => {
      const entry = large ?? pageTables.leaf(level, run.page + index, rights);
      return withBits([entry ?? line.reject(`entries of level ${level} map no pages`)], bits)[0]!;
    };
  }

  private takeLink(line: Line, page: number, level: number): Word {
    if (level === 1) return line.fail("rights, as entries of level 1 map pages");
    if (!this.tablePages.has(page)) line.reject("the page is not a table; `table` makes it one");
    const { pageTables } = this.dialect;
    return pageTables.link(level, pageTables.takeNextLevel(line, level), page);
  }

  /** `A = d1`, `A.low = d1`, `A = none` and the like: behind the word for device entries. */
  storeDeviceEntry(line: Line): void {
    const { deviceEntries } = this.dialect;
    const [, name, half] = line.take(
      "a device such as A, or half an entry such as A.low",
      words.DEVICE_ENTRY,
    );
    line.take("=", /^=$/);
    const none = line.takeIf(/^none$/) !== null;
    const value = none ? [ZERO, ZERO] : deviceEntries.take(line, this);
    const [first, second] = withBits(value, words.takeBits(line, DEVICE_ENTRY_BITS));
    const at = this.deviceEntryAt(name!, line);
    if (half === undefined) this.tables.storeDeviceEntry(at, [first!, second!]);
    else if (half === "low") this.tables.store(at, first!);
    else this.tables.store({ page: at.page, word: at.word + 1 }, second!);
  }

  private deviceEntryAt(name: string, line: Line): Place {
    const at = this.tables.deviceEntryAt(this.requester(name, line));
    return at ?? line.reject(`the device table has no entry for ${name}`);
  }

  /** The requester id of a device. @throws TraceError when the header does not name it */
  requester(name: string, line: Line): number {
    return this.header.devices.get(name) ?? line.reject(`the header has no device ${name}`);
  }

  /** `clflush all`, `clflush ctx A` or `clflush d1[10]`: lines are written back. */
  writeBack(line: Line): void {
    const lines = line.takeIf(/^all$/) ? [...this.dirty] : this.takeLines(line);
    for (const one of lines) {
      this.dirty.delete(one);
      this.recorder.actions.push({ do: "flush-line", page: Math.floor(one / 64), line: one % 64 });
    }
  }

  private takeLines(line: Line): Iterable<number> {
    const lineOf = ({ page, word }: Place) => page * 64 + (word >>> 3);
    if (line.takeWordIf(this.dialect.deviceEntries.keyword))
      return [lineOf(this.deviceEntryAt(words.takeDevice(line), line))];
    const place = words.takeEntry(line);
    const lines = new Set<number>();
    for (let index = 0; index < place.count; index++)
      lines.add(lineOf(this.placeOf(line, place, index, false)));
    return lines;
  }
}

/** The words of an entry with single bits set or cleared. */
function withBits(entry: readonly Word[], bits: readonly words.Bit[]): Word[] {
  const halves = entry.flatMap(({ low, high }) => [low, high]);
  for (const { bit, set } of bits) {
    const at = bit >>> 5;
    const mask = 1 << (bit & 31);
    halves[at] = (set ? halves[at]! | mask : halves[at]! & ~mask) >>> 0;
  }
  return entry.map((_, index) => ({ low: halves[2 * index]!, high: halves[2 * index + 1]! }));
}
