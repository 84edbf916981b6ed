/** Hand-written software on the model: what it does to the tables and the queue, and what it says about its memory. */
import type { Finding } from "../finding.js";
import type { Grant, OwnershipEvent } from "../isolation/events.js";
import { IsolationJudge } from "../isolation/judge.js";
import type { StartState } from "../run-start.js";
import type { Action, Word } from "../trace.js";
import { encode } from "../words/layout.js";
import {
  contextDescriptor,
  DescriptorType,
  encodeDescriptor,
  Granularity,
  iotlbDescriptor,
  waitDescriptor,
} from "./descriptors.js";
import type { PlatformProfile } from "./profile.js";
import { profileNamed } from "./profiles.js";
import { Offset } from "./registers.js";
import { VtdSoftware } from "./software.js";
import { contextEntryLayout, rootEntryLayout, secondStageLayout } from "./tables.js";
import { walkPlatformOf } from "./walk.js";

export const [ROOT, CONTEXTS, QUEUE, STATUS] = [1, 2, 3, 4] as const;
/** 00:04.0 and 00:05.0. */
export const [A, B] = [0x20, 0x28] as const;
const EMPTY: Word = { low: 0, high: 0 };

type Descriptor = readonly [Word, Word];

/** A context-cache invalidation: of one function in a domain, or of the domain. */
export function contextOf(domainId: number, sourceId?: number): Descriptor {
  const G = sourceId === undefined ? Granularity.domain : Granularity.selective;
  const Type = DescriptorType.context;
  return encodeDescriptor(contextDescriptor, { Type, G, DID: domainId, SID: sourceId ?? 0 });
}

/** A domain-selective IOTLB invalidation that drains. */
export function domainOf(domainId: number): Descriptor {
  const { iotlb: Type } = DescriptorType;
  return encodeDescriptor(iotlbDescriptor, { Type, G: Granularity.domain, DW: 1, DR: 1, DID: domainId });
}

/** A page-selective IOTLB invalidation, of one page that drains unless told otherwise. */
export function pageOf(
  domainId: number,
  page: number,
  { mask = 0, leafOnly = 0, drain = 1 }: { mask?: number; leafOnly?: number; drain?: number } = {},
): Descriptor {
  return encodeDescriptor(iotlbDescriptor, {
    Type: DescriptorType.iotlb,
    G: Granularity.selective,
    DW: drain,
    DR: drain,
    DID: domainId,
    AM: mask,
    IH: leafOnly,
    ADDR: page,
  });
}

/** Right after a reset, or after translation was enabled with an empty root table; then the queue is on. */
export class Software {
  readonly model: VtdSoftware;
  readonly judge: IsolationJudge;
  /** The first thing that was wrong; what is done after it has no effect. */
  finding: Finding | null = null;
  private tail = 0;

  constructor(profile: PlatformProfile = profileNamed("skylake-sp"), start: StartState = "translating") {
    this.model = new VtdSoftware(walkPlatformOf(profile));
    this.model.reset({
      start,
      rootPage: ROOT,
      rootPages: 1,
      queuePage: QUEUE,
      logPage: null,
      requesters: [A, B],
      dataPages: [],
      tablePages: [],
    });
    this.judge = new IsolationJudge(this.model);
    const [first, second] = encode(rootEntryLayout, { P: 1, CTP: CONTEXTS });
    this.store(ROOT, 1, second!).store(ROOT, 0, first!);
  }

  act(action: Action, low = 0): this {
    this.finding ??= this.judge.perform(action, { low, high: 0 });
    return this;
  }

  says(...events: OwnershipEvent[]): this {
    for (const event of events) this.finding ??= this.judge.hear(event);
    return this;
  }

  /** A store that walks can see, where a line flush is enough for that. */
  store(page: number, word: number, value: Word): this {
    this.storeOnly(page, word, value);
    return this.model.oracle.platform.coherentWalks ? this : this.writeBack(page, word);
  }

  storeOnly(page: number, word: number, { low, high }: Word): this {
    return this.act({ do: "store", page, word, low, high });
  }

  writeBack(page: number, word: number): this {
    return this.act({ do: "flush-line", page, line: word >>> 3 });
  }

  /** A context entry, upper half first. */
  context(requester: number, table: number, domainId: number): this {
    const [first, second] = this.contextWords(table, domainId);
    const word = requester * 2;
    return this.store(CONTEXTS, word + 1, second).store(CONTEXTS, word, first);
  }

  contextWords(table: number, domainId: number): [Word, Word] {
    const AW = this.model.oracle.platform.largestLevels - 2;
    const [first, second] = encode(contextEntryLayout, { P: 1, SSPTPTR: table, AW, DID: domainId });
    return [first!, second!];
  }

  /** Not present any more: the first half is cleared, then the second. */
  noContext(requester: number): this {
    return this.store(CONTEXTS, requester * 2, EMPTY).store(CONTEXTS, requester * 2 + 1, EMPTY);
  }

  /** Tables for the first 2 MiB: page `top`, then one page for each further level. Gives the last, which maps pages. */
  tables(top: number): number {
    let table = top;
    for (let level = this.model.oracle.platform.largestLevels; level > 1; level--)
      this.link(table, 0, level, ++table);
    return table;
  }

  link(table: number, index: number, level: number, to: number): this {
    return this.store(table, index, entry(level, false, { R: 1, W: 1, ADDR: to }));
  }

  /** An entry that maps a page of its level's size; access as in `Right`. */
  map(table: number, index: number, page: number, access = 3, level = 1): this {
    return this.store(table, index, leaf(page, access, level));
  }

  clear(table: number, index: number): this {
    return this.store(table, index, EMPTY);
  }

  /** Submits descriptors without waiting for them. */
  submit(...descriptors: Descriptor[]): this {
    for (const [first, second] of descriptors) {
      this.storeOnly(QUEUE, this.tail * 2, first).storeOnly(QUEUE, this.tail * 2 + 1, second);
      this.tail++;
    }
    return this.act({ do: "write-register", offset: Offset.IQT, width: 8, low: this.tail << 4, high: 0 });
  }

  /** A wait behind everything, and its status. */
  wait(): this {
    const value = this.tail + 1;
    const Address = (STATUS * 4096) / 4;
    this.submit(encodeDescriptor(waitDescriptor, { Type: DescriptorType.wait, SW: 1, Data: value, Address }));
    return this.act({ do: "poll-memory", page: STATUS, word: 0, value }, 1);
  }

  flush(...descriptors: Descriptor[]): this {
    return this.submit(...descriptors).wait();
  }
}

export function leaf(page: number, access = 3, level = 1): Word {
  return entry(level, true, {
    R: access & 1,
    W: access >>> 1,
    PS: 1,
    ADDR: Math.floor(page / 512 ** (level - 1)),
  });
}

function entry(level: number, isLeaf: boolean, fields: Record<string, number>): Word {
  const layout = secondStageLayout(level, isLeaf);
  const named = Object.entries(fields).filter(([name]) => layout.fields.some((one) => one.name === name));
  return encode(layout, Object.fromEntries(named))[0]!;
}

/** A grant of one page unless told otherwise. */
export function grant(domain: string, iova: number, page: number, pages = 1, access = 3): Grant {
  return { domain, iova, page, pages, access };
}
