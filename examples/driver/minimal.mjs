/**
 * The smallest VT-d driver that is right on every platform: 4 KiB pages only, and after every intent everything that may
 * be cached is invalidated. Slow, and a good place to start: copy it, change it, and see what the suite finds.
 *
 *   npx iommu-spec check --driver examples/driver/minimal.mjs
 *
 * Every method is a generator. `yield` hands one access to the machine and gives back its answer, { low, high }: the two
 * halves of a 64-bit word. Halves have no sign: what JavaScript's bit operations make negative, `>>> 0` puts right.
 * Section numbers are those of the VT-d specification, Rev 5.10.
 */

/** Offsets of registers (11.2). */
const GCMD = 0x18;
const GSTS = 0x1c;
const RTADDR = 0x20;
const CCMD = 0x28;
const IQT = 0x88;
const IQA = 0x90;

/** Bits of GCMD and GSTS (11.4.4). TE and QIE keep their level, so every write of GCMD has to repeat them. */
const TE = 0x80000000;
const SRTP = 0x40000000;
const WBF = 0x08000000;
const QIE = 0x04000000;

/** Bit 63 of CCMD and of IOTLB: set until the command is done. */
const BUSY = 0x80000000;
const QUEUE_ENTRIES = 256;
const PRESENT = 1;
const READ_AND_WRITE = 3;

/** Two CPUs may carry out an intent each, and are switched between any two accesses: here one waits for the other. */
export const LOCK = { do: "lock", lock: "minimal" };
export const UNLOCK = { do: "unlock", lock: "minimal" };

export class MinimalDriver {
  name = "minimal";
  /** Domains by name: { id, top, tables }. */
  domains = new Map();
  /** Every unit has 16 ids at least (CAP.ND); 0 is taken in caching mode (6.1). */
  freeIds = Array.from({ length: 15 }, (_, index) => 15 - index);
  /** Context tables by bus, and the context entries that are present. */
  contextTables = new Map();
  attached = new Set();
  /** Level bits of GCMD as they were last written. */
  levels = 0;
  tail = 0;
  waits = 0;

  constructor(setup) {
    this.setup = setup;
    this.readFeatures(setup.profile);
  }

  /** 11.4.2, 11.4.3: what this unit can do, and what it needs. */
  readFeatures({ capability, extendedCapability }) {
    const widths = (capability.low >>> 8) & 31;
    this.tableLevels = [5, 4, 3].find((levels) => (widths >>> (levels - 2)) & 1);
    this.needsBufferFlush = ((capability.low >>> 4) & 1) === 1;
    this.needsLineFlush = (extendedCapability.low & 1) === 0;
    this.iotlbRegister = ((extendedCapability.low >>> 8) & 0x3ff) * 16 + 8;
  }

  // ---- What the suite asks for. Each intent ends by settling its ticket, when nothing of the old is left anywhere.

  *start() {
    const { rootPage, queuePage, invalidation, start } = this.setup;
    if (start === "translating") {
      this.levels = ((yield readRegister(GSTS, 4)).low & (TE | QIE)) >>> 0;
      this.tail = (yield readRegister(IQT, 8)).low >>> 4;
      // 6.5.1: the invalidation registers are for a unit whose queue is off.
      if (invalidation === "registers" && this.levels & QIE) yield* this.switchLevel(QIE, false);
      return;
    }
    yield writeRegister(RTADDR, 8, ...address(rootPage));
    yield writeRegister(GCMD, 4, SRTP, 0);
    yield* this.waitForStatus(SRTP, SRTP);
    if (invalidation === "queue") {
      yield writeRegister(IQT, 8, 0, 0);
      yield writeRegister(IQA, 8, ...address(queuePage));
      yield* this.switchLevel(QIE, true);
    }
    // 6.6: after a new root table nothing of an old one may be in use.
    yield* this.flush();
    yield* this.switchLevel(TE, true);
    // 6.5.4: a write from the time before may still be on its way; this flush has it land now.
    yield* this.flush();
  }

  *attach(device, domain, ticket) {
    yield LOCK;
    // A device that has another domain loses it first, completely: a new entry written over the old one would for a
    // moment mix the two.
    yield* this.takeAway(device);
    yield* this.fillEntries(device.requesters, yield* this.domain(domain));
    for (const requester of device.requesters) this.attached.add(requester);
    yield* this.flush();
    yield* this.finish(ticket);
  }

  *detach(device, ticket) {
    yield LOCK;
    yield* this.takeAway(device);
    yield* this.finish(ticket);
  }

  *map(domain, mapping, ticket) {
    yield LOCK;
    yield* this.storeLeaves(domain, mapping, mapping.access);
    // 6.1: a unit in caching mode (CAP.CM) may have cached that nothing was there.
    yield* this.flush();
    yield* this.finish(ticket);
  }

  *protect(domain, mapping, ticket) {
    yield* this.map(domain, mapping, ticket);
  }

  *unmap(domain, mapping, ticket) {
    yield LOCK;
    yield* this.storeLeaves(domain, mapping, 0);
    // Settled means that the pages may be used for something else: not before the flush is complete.
    yield* this.flush();
    yield* this.finish(ticket);
  }

  /** There are no larger entries to merge pages into. */
  *merge(_domain, _mapping, ticket) {
    yield { do: "settled", ticket };
  }

  /** Nothing is ever put off, in deferred mode either. */
  *sync() {}

  *destroy(name, ticket) {
    yield LOCK;
    const { id, tables } = this.domains.get(name);
    this.domains.delete(name);
    // Id and tables may be used for something else when no cache leads to them any more.
    yield* this.flush();
    for (const page of tables) yield { do: "free-table", page };
    this.freeIds.push(id);
    yield* this.finish(ticket);
  }

  *finish(ticket) {
    yield { do: "settled", ticket };
    yield UNLOCK;
  }

  // ---- Tables.

  /** Entries that map pages with these rights. Without any an entry is not present, whatever else it says (9.8). */
  *storeLeaves(name, { iova, page, pages }, access) {
    const domain = yield* this.domain(name);
    for (let index = 0; index < pages; index++) {
      const table = yield* this.leafTable(domain, iova + index);
      const [low, high] = access === 0 ? [0, 0] : this.leafEntry(page + index, access);
      yield* this.store(table, entryOf(iova + index, 1), low, high);
    }
  }

  /** 9.8: the rights are the lowest bits. */
  leafEntry(page, access) {
    const [low, high] = address(page);
    return [(low | access) >>> 0, high];
  }

  /** An entry of a table of `level` that points to the table below. Rights are given by leaves. */
  tableEntry(page, _level) {
    return this.leafEntry(page, READ_AND_WRITE);
  }

  /** The page of the table whose entries map the address; tables that are missing on the way are added. */
  *leafTable(domain, iova) {
    let table = domain.top;
    for (let level = this.tableLevels; level > 1; level--) {
      const word = entryOf(iova, level);
      const entry = yield { do: "load", page: table, word };
      if (entry.low !== 0) {
        table = pageOf(entry);
      } else {
        const below = yield* this.newTable();
        domain.tables.push(below);
        yield* this.store(table, word, ...this.tableEntry(below, level));
        table = below;
      }
    }
    return table;
  }

  /** An empty table. The page still holds what its last user left there, and may be linked when walks see it clear. */
  *newTable() {
    const page = (yield { do: "allocate-table" }).low;
    yield { do: "clear-page", page };
    if (this.needsLineFlush) yield { do: "flush-page", page };
    yield* this.flushWriteBuffer();
    return page;
  }

  /** A domain has its id and top table from the first time it is used. */
  *domain(name) {
    let domain = this.domains.get(name);
    if (!domain) {
      const top = yield* this.newTable();
      domain = { id: this.freeIds.pop(), top, tables: [top] };
      this.domains.set(name, domain);
    }
    return domain;
  }

  /** 9.1: the root table has an entry for each bus, which leads to the context table of that bus. */
  *contextTable(bus) {
    let page = this.contextTables.get(bus);
    if (page === undefined) {
      page = yield* this.newTable();
      this.contextTables.set(bus, page);
      const [low, high] = address(page);
      yield* this.store(this.setup.rootPage, bus * 2, (low | PRESENT) >>> 0, high);
    }
    return page;
  }

  /** 9.3. The half with the present bit comes last: a CPU stores 64 bits at once, not 128. */
  *fillEntries(requesters, { top, id }) {
    for (const requester of requesters) {
      const page = yield* this.contextTable(requester >>> 8);
      const word = contextWord(requester);
      yield* this.store(page, word + 1, (this.tableLevels - 2) | (id << 8), 0);
      const [low, high] = address(top);
      yield* this.store(page, word, (low | PRESENT) >>> 0, high);
    }
  }

  /** The half with the present bit goes first. */
  *clearEntry(requester) {
    const page = this.contextTables.get(requester >>> 8);
    yield* this.store(page, contextWord(requester), 0, 0);
    yield* this.store(page, contextWord(requester) + 1, 0, 0);
  }

  /** The device reaches nothing any more, under none of its requester ids. */
  *takeAway({ requesters }) {
    const gone = requesters.filter((one) => this.attached.delete(one));
    for (const requester of gone) yield* this.clearEntry(requester);
    if (gone.length > 0) yield* this.flush();
    // Its former owner may have told it to make requests later: they must not come to pass under the next one.
    for (const requester of gone) yield { do: "reset-device", requester };
  }

  /** Where walks do not snoop the CPU's caches (ECAP.C = 0), what was stored has to be written back. */
  *store(page, word, low, high) {
    yield { do: "store", page, word, low, high };
    if (this.needsLineFlush) yield { do: "flush-line", page, line: word >>> 3 };
  }

  // ---- Invalidation.

  /** When this is over, nothing that was stored before is hidden, and nothing older is in any cache. */
  *flush() {
    yield* this.flushWriteBuffer();
    if (this.setup.invalidation === "queue") yield* this.flushByQueue();
    else yield* this.flushByRegisters();
  }

  /** 6.5.2: context cache, then IOTLB (what is left in the former could refill the latter), then a wait. */
  *flushByQueue() {
    const { statusPage } = this.setup;
    const wait = ++this.waits;
    yield* this.submit(0x11, 0, 0, 0);
    yield* this.submit(0xd2, 0, 0, 0);
    yield* this.submit(0x25, wait, ...address(statusPage));
    yield writeRegister(IQT, 8, this.tail << 4, 0);
    // Submitted is not done: done is when the status word shows the value of this wait.
    seen(yield { do: "poll-memory", page: statusPage, word: 0, value: wait }, "the wait descriptor");
  }

  /** The queue's memory is always snooped (3.10), so its descriptors need no write-back. */
  *submit(low, high, low2, high2) {
    const page = this.setup.queuePage;
    yield { do: "store", page, word: this.tail * 2, low, high };
    yield { do: "store", page, word: this.tail * 2 + 1, low: low2, high: high2 };
    this.tail = (this.tail + 1) % QUEUE_ENTRIES;
  }

  /** 6.5.1: the same through registers, one command after the other. */
  *flushByRegisters() {
    yield writeRegister(CCMD, 8, 0, 0xa0000000);
    seen(yield pollRegister(CCMD + 4, BUSY, 0), "the context-cache invalidation");
    const offset = this.iotlbRegister;
    yield writeRegister(offset, 8, 0, 0x90030000);
    seen(yield pollRegister(offset + 4, BUSY, 0), "the IOTLB invalidation");
  }

  /** 6.8: where CAP.RWBF is set, stores wait in a buffer until it is flushed. */
  *flushWriteBuffer() {
    if (!this.needsBufferFlush) return;
    yield writeRegister(GCMD, 4, (this.levels | WBF) >>> 0, 0);
    yield* this.waitForStatus(WBF, 0);
  }

  *switchLevel(bit, on) {
    this.levels = (on ? this.levels | bit : this.levels & ~bit) >>> 0;
    yield writeRegister(GCMD, 4, this.levels, 0);
    yield* this.waitForStatus(bit, on ? bit : 0);
  }

  *waitForStatus(mask, value) {
    seen(yield pollRegister(GSTS, mask, value), "a global command");
  }
}

/** What the suite calls, once for every run. */
export default (setup) => new MinimalDriver(setup);

export const readRegister = (offset, width) => ({ do: "read-register", offset, width });
export const writeRegister = (offset, width, low, high) => ({
  do: "write-register",
  offset,
  width,
  low,
  high,
});
const pollRegister = (offset, mask, value) => ({ do: "poll-register", offset, mask, value });

/** A poll is answered with low = 0 when the machine gave up waiting. */
export function seen({ low }, awaited) {
  if (low !== 1) throw new Error(`${awaited} was never done`);
}

/** The address of a page as two halves. */
export function address(page) {
  return [(page << 12) >>> 0, Math.floor(page / 0x100000)];
}

/** The page that an entry points to: bits 51:12. */
function pageOf({ low, high }) {
  return (low >>> 12) + (high & 0xfffff) * 0x100000;
}

/** Every level of tables takes 9 bits of the address. */
function entryOf(iova, level) {
  return Math.floor(iova / 512 ** (level - 1)) % 512;
}

/** Context entries are two words each, by device and function. */
function contextWord(requester) {
  return (requester & 0xff) * 2;
}
