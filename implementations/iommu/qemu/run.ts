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
import { type BusAddress, type Edu, SHOWN_MARK, SLOT_BYTES, SLOTS } from "./edu.js";
import type { Machine } from "./machine.js";
import { PAGE_BYTES, type RunMemory } from "./memory.js";
import { digits64, type Reply } from "./qtest.js";

/** How the observation of an action follows from the replies. */
type Finish = () => Observation;

/** Words in a row that one command reads. */
interface Block {
  readonly begin: number;
  end: number;
  reply: Reply;
}

const NOTHING: Observation = { low: 0, high: 0 };
const nothing: Finish = () => NOTHING;
const TAG_SPACE_WRITES = 0xd;

/** The actions of one run on a machine whose memory is as the run finds it. */
export class Run {
  readonly #leading: number;
  readonly #finishers: Finish[] = [];
  readonly #fetching = new Set<RequesterId>();
  /** Words stored that are not queued yet, as digits by their addresses. */
  readonly #stores = new Map<number, string>();
  /** What is to be read and not queued yet. */
  #block: Block | undefined;
  #state: Reply = 0;
  readonly #shown = new Map<RequesterId, Buffer>();
  /** Words of a page that device writes of this run may have reached, and what was there before a later store. */
  readonly #wordsWritten = new Set<number>();
  readonly #overwritten: { readonly page: HostPage; readonly word: number; readonly before: Finish }[] = [];

  /** Makes the stores that nothing precedes: they need no command. */
  constructor(
    private readonly machine: Machine,
    private readonly memory: RunMemory,
    private readonly actions: readonly Action[],
  ) {
    const found = actions.findIndex((action) => action.do !== "store" && action.do !== "flush-line");
    this.#leading = found < 0 ? actions.length : found;
    for (const action of actions.slice(0, this.#leading)) {
      if (action.do !== "store") continue;
      // The root table stays empty until the IOMMU was brought to where the run starts.
      if (memory.isRoot(action.page)) this.#store(action);
      else memory.store(action.page, action.word, action.low, action.high);
    }
    memory.flush();
  }

  /** Queues the other actions, in order, and what shows their effects. */
  queue(): void {
    const { machine } = this;
    machine.pristine = false;
    for (const action of this.actions.slice(this.#leading)) this.#finishers.push(this.#queue(action));
    this.#flushStores();
    this.#flushReads();
    this.#state = machine.askState();
    if (this.#fetching.size > 0) this.#queueShow();
  }

  /** What the actions showed, once every reply is there. */
  observations(): Observation[] {
    this.machine.learnState(this.#state);
    this.#collectShown();
    this.memory.refresh();
    return this.actions.map((_, index) =>
      index < this.#leading ? NOTHING : this.#finishers[index - this.#leading]!(),
    );
  }

  #queue(action: Action): Finish {
    if (action.do === "store") return this.#store(action);
    // The IOMMU looks at memory as the CPU does.
    if (action.do === "flush-line") return nothing;
    this.#flushStores();
    if (action.do === "read-memory") return this.#read64(action.page * PAGE_BYTES + 8 * action.word);
    if (action.do === "read-register" && action.width === 8)
      return this.#read64(this.#address(action.offset));
    this.#flushReads();
    switch (action.do) {
      case "write-register":
        return this.#writeRegister(action);
      case "read-register":
        return this.#read32(this.#address(action.offset));
      case "poll-register":
        return this.#awaited(this.#address(action.offset), action.mask, action.value);
      case "poll-memory":
        return this.#awaited(action.page * PAGE_BYTES + 8 * action.word, 0xffffffff, action.value);
      case "request":
        return this.#request(action.request, action.slot);
    }
  }

  /** Nothing can happen between stores in a row, so they may share commands: replies cost most. */
  #store({ page, word, low, high }: Action & { do: "store" }): Finish {
    const address = page * PAGE_BYTES + 8 * word;
    if (this.#wordsWritten.has(word) && !this.#stores.has(address))
      this.#overwritten.push({ page, word, before: this.#read64(address) });
    this.#stores.set(address, digits64(low, high));
    return nothing;
  }

  /** Neighbours, whatever their order, become one command. What is to be read was asked for before. */
  #flushStores(): void {
    if (this.#stores.size === 0) return;
    this.#flushReads();
    const addresses = [...this.#stores.keys()].sort((one, other) => one - other);
    for (let from = 0, to = 1; from < addresses.length; from = to++) {
      while (addresses[to] === addresses[to - 1]! + 8) to++;
      const digits = addresses.slice(from, to).map((address) => this.#stores.get(address)!);
      this.machine.qtest.writeDigits(addresses[from]!, digits.join(""));
    }
    this.#stores.clear();
  }

  #flushReads(): void {
    const block = this.#block;
    if (block !== undefined) block.reply = this.machine.qtest.readBlock(block.begin, block.end - block.begin);
    this.#block = undefined;
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

  #read32(address: number): Finish {
    const { qtest } = this.machine;
    const reply = qtest.read32(address);
    return () => ({ low: qtest.low(reply), high: 0 });
  }

  /** Words in a row share a command. */
  #read64(address: number): Finish {
    if (this.#block?.end !== address) {
      this.#flushReads();
      this.#block = { begin: address, end: address, reply: 0 };
    }
    const block = this.#block!;
    block.end += 8;
    return () => this.machine.qtest.word(block.reply, (address - block.begin) / 8);
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
    const held = ({ low, high }: Observation) => (offset & 4 ? high : low);
    return this.#overwritten.find(({ word, before }) => word === offset >>> 3 && held(before()) === tag)
      ?.page;
  }

  #read(device: Edu, request: Request, address: BusAddress): Finish {
    this.#fetching.add(request.requester);
    const place = device.read(address, request.length);
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
    for (const id of this.#fetching) pages.clearMark(memory, id);
    this.#queueTransfers(unit.giveWay());
  }

  #queueTransfers(translated: boolean): void {
    const { pages, devices } = this.machine;
    for (const id of this.#fetching) {
      devices.get(id)!.showFetched(pages.busAddress(pages.shownPage(id), translated));
    }
    const crowded = [...this.#fetching].map((id) => devices.get(id)!).filter((device) => device.isCrowded);
    this.machine.toForget = { devices: crowded, translated };
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
    for (const id of this.#fetching) {
      const shown = Buffer.alloc(PAGE_BYTES);
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
