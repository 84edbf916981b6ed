/**
 * One run: actions become one batch of commands, and its replies become observations.
 *
 * Devices do not learn whether their requests were blocked, and neither do we: what is not found in memory is
 * `nowhere`. That includes everything sent to FEEx_xxxxh, where QEMU takes a write as an interrupt message and
 * lets a read bring zeros.
 */
import { readSync } from "node:fs";
import {
  type Action,
  Effect,
  type Observation,
  pageTag,
  type Request,
  writeTag,
} from "../../../model/trace.js";
import type { HostPage, RequesterId } from "../../../model/words/address.js";
import { ImplementationError } from "../interface.js";
import { type BusAddress, type Edu, PLACES, SHOWN_MARK, SLOT_BYTES, SLOTS } from "./edu.js";
import type { Machine } from "./machine.js";
import { PAGE_BYTES, type RunMemory } from "./memory.js";
import { digits64 } from "./qtest.js";

/** How the observation of an action follows from the replies. */
type Finish = () => Observation;

const NOTHING: Observation = { low: 0, high: 0 };
const nothing: Finish = () => NOTHING;
const TAG_SPACE_WRITES = 0xd;

/** Performs the actions of one run on a machine. */
export class Run {
  readonly #finishers: Finish[] = [];
  readonly #fetched = new Map<RequesterId, number>();
  /** Stores that are not queued yet, as digits, and the addresses where they begin and end. */
  #stores = "";
  #storesBegin = -1;
  #storesEnd = -1;
  readonly #shown = new Map<RequesterId, Buffer>();
  /** Words of a page that device writes of this run may have reached, and what was there before a later store. */
  readonly #wordsWritten = new Set<number>();
  readonly #overwritten: { readonly page: HostPage; readonly word: number; readonly reply: number }[] = [];

  constructor(
    private readonly machine: Machine,
    private readonly memory: RunMemory,
  ) {}

  /** Performs the actions in order. */
  perform(actions: readonly Action[]): Observation[] {
    this.machine.pristine = false;
    const leading = this.#storeLeading(actions);
    for (const action of actions.slice(leading)) this.#finishers.push(this.#queue(action));
    this.#flushStores();
    const registers = this.machine.askState();
    if (this.#fetched.size > 0) this.#queueShow();
    this.machine.qtest.exchange();
    this.machine.learnState(registers);
    this.#collectShown();
    this.memory.refresh();
    return actions.map((_, index) => (index < leading ? NOTHING : this.#finishers[index - leading]!()));
  }

  /** Stores that nothing precedes need no command. Returns how many actions that takes care of. */
  #storeLeading(actions: readonly Action[]): number {
    const found = actions.findIndex((action) => action.do !== "store" && action.do !== "flush-line");
    const leading = found < 0 ? actions.length : found;
    for (const action of actions.slice(0, leading)) {
      if (action.do === "store") this.memory.store(action.page, action.word, action.low, action.high);
    }
    this.memory.flush();
    return leading;
  }

  #queue(action: Action): Finish {
    if (action.do === "store") return this.#store(action);
    // The IOMMU looks at memory as the CPU does.
    if (action.do === "flush-line") return nothing;
    this.#flushStores();
    switch (action.do) {
      case "write-register":
        return this.#writeRegister(action);
      case "read-register":
        return this.#readRegister(action);
      case "read-memory":
        return this.#read64(action.page * PAGE_BYTES + 8 * action.word);
      case "poll-register":
        return this.#awaited(this.#address(action.offset), action.mask, action.value);
      case "poll-memory":
        return this.#awaited(action.page * PAGE_BYTES + 8 * action.word, 0xffffffff, action.value);
      case "request":
        return this.#request(action.request, action.slot);
    }
  }

  /** Nothing can happen between two stores in a row, so neighbours share a command: replies cost most. */
  #store({ page, word, low, high }: Action & { do: "store" }): Finish {
    const address = page * PAGE_BYTES + 8 * word;
    if (this.#wordsWritten.has(word)) {
      this.#flushStores();
      this.#overwritten.push({ page, word, reply: this.machine.qtest.read64(address) });
    }
    if (address !== this.#storesEnd) {
      this.#flushStores();
      this.#storesBegin = address;
    }
    this.#stores += digits64(low, high);
    this.#storesEnd = address + 8;
    return nothing;
  }

  #flushStores(): void {
    if (this.#stores !== "") this.machine.qtest.writeDigits(this.#storesBegin, this.#stores);
    this.#stores = "";
    this.#storesEnd = -1;
  }

  #writeRegister(action: Action & { do: "write-register" }): Finish {
    const address = this.#address(action.offset);
    if (action.width === 8) this.machine.qtest.write64(address, action.low, action.high);
    else this.machine.qtest.write32(address, action.low);
    this.machine.unit.noteWrite(action);
    return nothing;
  }

  #address(offset: number): number {
    return this.machine.blueprint.kind.address + offset;
  }

  #readRegister(action: Action & { do: "read-register" }): Finish {
    const { qtest } = this.machine;
    const address = this.#address(action.offset);
    if (action.width === 8) return this.#read64(address);
    const reply = qtest.read32(address);
    return () => ({ low: qtest.low(reply), high: 0 });
  }

  #read64(address: number): Finish {
    const { qtest } = this.machine;
    const reply = qtest.read64(address);
    return () => ({ low: qtest.low(reply), high: qtest.high(reply) });
  }

  /** This IOMMU does everything at once: what is not there at the first look will never be. */
  #awaited(address: number, mask: number, value: number): Finish {
    const { qtest } = this.machine;
    const reply = qtest.read32(address);
    return () => ({ low: ((qtest.low(reply) & mask) ^ value) === 0 ? 1 : 0, high: 0 });
  }

  #request(request: Request, slot: number): Finish {
    const device = this.machine.devices.get(request.requester);
    if (device === undefined) throw new RangeError(`requester ${request.requester} is not part of this run`);
    if (slot < 0 || slot >= SLOTS) throw new RangeError(`slot ${slot} is out of range: QEMU takes ${SLOTS}`);
    const address = busAddress(request);
    switch (request.type) {
      case "write":
        device.write(address, slot, request.length);
        this.#wordsWritten.add(request.offset >>> 3);
        return () => this.#landed(writeTag(slot), request.offset);
      case "read":
        return this.#read(device, request, address);
      default:
        throw new RangeError(`QEMU's devices cannot issue a request of type ${request.type}`);
    }
  }

  #landed(tag: number, offset: number): Observation {
    const page = this.memory.pageHolding(tag, offset) ?? this.#pageOverwritten(tag, offset);
    return { low: page ?? Effect.nowhere, high: 0 };
  }

  /** The page that held the tag until software stored something there. */
  #pageOverwritten(tag: number, offset: number): HostPage | undefined {
    const { qtest } = this.machine;
    const half = (reply: number) => (offset & 4 ? qtest.high(reply) : qtest.low(reply));
    const found = this.#overwritten.find(
      ({ word, reply }) => word === offset >>> 3 && half(reply) >>> 0 === tag,
    );
    return found?.page;
  }

  #read(device: Edu, request: Request, address: BusAddress): Finish {
    const place = this.#fetched.get(request.requester) ?? 0;
    if (place === PLACES) throw new RangeError(`QEMU's devices take ${PLACES} reads in a run`);
    this.#fetched.set(request.requester, place + 1);
    device.read(address, place, request.length);
    return () => this.#brought(request, place);
  }

  #brought(request: Request, place: number): Observation {
    const value = this.#shown.get(request.requester)!.readUInt32LE(SLOT_BYTES * (place + 1));
    const page = pageOfTag(value, request.offset);
    if (page !== undefined) return { low: page, high: 0 };
    return value >>> 28 === TAG_SPACE_WRITES
      ? this.#landed(value, request.offset)
      : { low: Effect.nowhere, high: 0 };
  }

  /**
   * The run is over once its registers are read, so its tables and caches may go: the devices that fetched
   * something now write it to memory.
   */
  #queueShow(): void {
    const { pages, memory, unit } = this.machine;
    for (const id of this.#fetched.keys()) pages.clearMark(memory, id);
    this.#queueTransfers(unit.giveWay());
  }

  #queueTransfers(translated: boolean): void {
    const { pages, devices } = this.machine;
    this.machine.toForget = { fetched: this.#fetched, translated };
    for (const [id, places] of this.#fetched) {
      devices.get(id)!.showFetched(pages.busAddress(pages.shownPage(id), translated), places);
    }
  }

  /**
   * Takes what the devices show. When a run has left the IOMMU in a state in which they cannot, translation is
   * switched off for it, which always works but may take milliseconds.
   */
  #collectShown(): void {
    if (this.#takeShown()) return;
    this.machine.unit.switchOff();
    this.#queueTransfers(false);
    this.machine.readRegisters();
    if (!this.#takeShown()) throw new ImplementationError("QEMU's devices do not show what they fetched");
  }

  /** Reads what the devices show; false when one of them shows nothing. */
  #takeShown(): boolean {
    for (const [id, places] of this.#fetched) {
      const shown = Buffer.alloc((places + 1) * SLOT_BYTES);
      readSync(this.machine.memory, shown, 0, shown.length, this.machine.pages.shownPage(id) * PAGE_BYTES);
      if (shown.readUInt32LE(0) !== SHOWN_MARK) return false;
      this.#shown.set(id, shown);
    }
    return true;
  }
}

function busAddress({ page, offset }: Request): BusAddress {
  return { low: (((page & 0xfffff) << 12) | offset) >>> 0, high: Math.floor(page / 0x100000) };
}

/** The page whose tag this is, provided that it is the tag of that offset. */
function pageOfTag(value: number, offset: number): HostPage | undefined {
  const page = (value >>> 10) & 0xfffff;
  return value === pageTag(page, offset) ? page : undefined;
}
