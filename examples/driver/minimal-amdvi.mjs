/**
 * The smallest AMD-Vi driver that is right on every platform. What does not depend on the architecture it has from
 * minimal.mjs: 4 KiB pages only, and after every intent everything that may be cached is invalidated.
 *
 *   npx iommu-spec check --driver examples/driver/minimal-amdvi.mjs
 *
 * Section numbers are those of the AMD I/O Virtualization Technology specification, 48882.
 */
import { address, MinimalDriver, readRegister, seen, writeRegister } from "./minimal.mjs";

/** Offsets of registers (3.4). */
const DEV_TAB_BASE = 0x0000;
const CMD_BASE = 0x0008;
const EVT_BASE = 0x0010;
const CONTROL = 0x0018;
const CMD_TAIL = 0x2008;

/** Bits of Control: IommuEn, EventLogEn, CmdBufEn. */
const ENABLE = 0x1 | 0x4 | 0x1000;
/** ComLen and EventLen, bits 59:56: 2^8 entries. */
const LENGTH = 0x08000000;

/** Opcodes, bits 63:60 (2.4). */
const COMPLETION_WAIT = 0x10000000;
const INVALIDATE_DEVTAB_ENTRY = 0x20000000;
const INVALIDATE_IOMMU_PAGES = 0x30000000;

/** First half of a device table entry that lets nothing through: V = 1, TV = 0. V = 0 would let everything through. */
const BLOCKING = 1;
/** IR and IW, bits 62:61, in device table entries and page tables. */
const RIGHTS = 0x60000000;
const READ = 0x20000000;
const WRITE = 0x40000000;
const ENTRIES_OF_PAGE = 128;

class MinimalAmdViDriver extends MinimalDriver {
  name = "minimal-amdvi";
  /** DeviceIDs and DomainIDs that something may be cached of. */
  deviceIds = new Set();
  domainIds = new Set();

  /** Tables of 4 levels, 48 bits of address, fit every unit (EFR.HATS). */
  readFeatures({ coherentWalks }) {
    this.tableLevels = 4;
    this.needsLineFlush = !coherentWalks;
  }

  *start() {
    const { rootPage, rootPages, queuePage, logPage, start } = this.setup;
    if (start === "translating") {
      this.tail = (yield readRegister(CMD_TAIL, 8)).low >>> 4;
      return;
    }
    for (let deviceId = 0; deviceId < rootPages * ENTRIES_OF_PAGE; deviceId++)
      yield* this.storeHalf(deviceId, 0, BLOCKING, 0);
    const [low, high] = address(rootPage);
    yield writeRegister(DEV_TAB_BASE, 8, (low | (rootPages - 1)) >>> 0, high);
    for (const [offset, page] of [
      [CMD_BASE, queuePage],
      [EVT_BASE, logPage],
    ]) {
      const [first, second] = address(page);
      yield writeRegister(offset, 8, first, (second | LENGTH) >>> 0);
    }
    yield writeRegister(CONTROL, 8, ENABLE, 0);
  }

  /**
   * 2.2.2: a unit may read the halves of an entry at different moments. So each is known to be everywhere before the
   * other changes: no unit uses the tables of one domain under the DomainID of another.
   */
  *fillEntries(requesters, { top, id }) {
    this.domainIds.add(id);
    for (const one of requesters) this.deviceIds.add(one);
    for (const one of requesters) yield* this.storeHalf(one, 1, id, 0);
    yield* this.flush();
    const [low, high] = address(top);
    // V, TV, Mode, the top table, IR and IW: hardware sees all of them or none.
    const mode = this.tableLevels << 9;
    for (const one of requesters)
      yield* this.storeHalf(one, 0, (low | mode | 3) >>> 0, (high | RIGHTS) >>> 0);
  }

  *clearEntry(requester) {
    yield* this.storeHalf(requester, 0, BLOCKING, 0);
  }

  *storeHalf(deviceId, half, low, high) {
    const page = this.setup.rootPage + Math.floor(deviceId / ENTRIES_OF_PAGE);
    yield* this.store(page, (deviceId % ENTRIES_OF_PAGE) * 4 + half, low, high);
  }

  /** 2.2.3: PR, IR and IW. */
  leafEntry(page, access) {
    const [low, high] = address(page);
    return [(low | 1) >>> 0, (high | (access & 1 ? READ : 0) | (access & 2 ? WRITE : 0)) >>> 0];
  }

  /** 2.2.3: NextLevel, bits 11:9. */
  tableEntry(page, level) {
    const [low, high] = this.leafEntry(page, 3);
    return [(low | ((level - 1) << 9)) >>> 0, high];
  }

  /** 2.4.1: commands are executed in any order, but for a COMPLETION_WAIT with f = 1 between them. */
  *flush() {
    const { statusPage } = this.setup;
    const wait = ++this.waits;
    for (const deviceId of this.deviceIds) yield* this.submit(deviceId, INVALIDATE_DEVTAB_ENTRY, 0, 0);
    yield* this.submit(4, COMPLETION_WAIT, 0, 0);
    // S and PDE, and an address that stands for every page.
    for (const id of this.domainIds)
      yield* this.submit(0, (INVALIDATE_IOMMU_PAGES | id) >>> 0, 0xfffff003, 0x7fffffff);
    const [low, high] = address(statusPage);
    yield* this.submit((low | 1) >>> 0, (COMPLETION_WAIT | high) >>> 0, wait, 0);
    yield writeRegister(CMD_TAIL, 8, this.tail << 4, 0);
    seen(yield { do: "poll-memory", page: statusPage, word: 0, value: wait }, "COMPLETION_WAIT");
  }
}

/** What the suite calls, once for every run. */
/** Whose units it is for. */
export const architecture = "amdvi";

export default (setup) => new MinimalAmdViDriver(setup);
