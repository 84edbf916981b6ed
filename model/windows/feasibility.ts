/** Whether a chain can have come about so that it answers a request, given the times at which its entries can be read. */
import { OPEN } from "../words/memory.js";
import {
  ANY_DEVICE,
  type ChainMoments,
  type DeviceVariant,
  type DeviceWindow,
  isOfVariant,
  isReadable,
  latestSince,
  NOTHING_KNOWN,
  type ReadChain,
} from "./chain-moments.js";
import type { DeviceWindows } from "./device-windows.js";
import { Link, type Unit } from "./unit.js";
import { type FaultRule, NO_DOMAIN, type Translation } from "./walk.js";

type Writable<A> = { -readonly [Key in keyof A]: A[Key] };

const EVERY_RIGHT: readonly number[] = [3];

export class Feasibility {
  /** Translations filled for one function, with the rights of its device entry, may answer others. */
  readonly sharesRights: boolean;
  private requester = 0;
  private now = 0;
  private known = NOTHING_KNOWN;
  /** The device entries that an answer rests on, and those of the same kind but for suppressing. */
  private readonly variant: Writable<DeviceVariant> = { access: null, suppresses: null };
  private readonly sameAccess: Writable<DeviceVariant> = { access: null, suppresses: null };
  private readonly sameSuppression: Writable<DeviceVariant> = { access: null, suppresses: null };
  private knownAccesses: readonly number[] | null = null;

  constructor(
    private readonly unit: Unit,
    private readonly moments: ChainMoments,
    private readonly devices: DeviceWindows,
    /** What the chain that is asked about led to. */
    private readonly translation: Translation<FaultRule>,
  ) {
    this.sharesRights = unit.deviceRights && unit.iotlbLookup !== "device";
  }

  /** Prepares for requests of a function that are answered at step `now`. */
  begin(requester: number, now: number, known: readonly number[]): void {
    this.requester = requester;
    this.now = now;
    this.known = known;
    this.knownAccesses = null;
  }

  /** The rights that answers may be given with. */
  accesses(): readonly number[] {
    if (!this.unit.deviceRights) return EVERY_RIGHT;
    if (!this.knownAccesses) {
      const devices = this.sharesRights ? this.devices.all() : this.own();
      const found: number[] = [];
      for (const { deviceAccess } of devices) if (!found.includes(deviceAccess)) found.push(deviceAccess);
      this.knownAccesses = found;
    }
    return this.knownAccesses;
  }

  /** The entries above a link can be in use for the request now, so that the walk goes on to read it. */
  reads(chain: ReadChain, link: number): boolean {
    const { moments, now } = this;
    const { firstTable, device, lastDevice } = this.unit.shape;
    if (link > firstTable) {
      const walks = moments.usedFrom(this.own(), chain.domainId, now, NOTHING_KNOWN) === now;
      return walks && moments.inUse(chain, link - 1, now, NOTHING_KNOWN);
    }
    if (chain.requester !== this.requester) return false;
    if (link === firstTable) return moments.inUse(chain, lastDevice, now, NOTHING_KNOWN);
    for (let above: number = Link.pointer; above < Math.min(link, device); above++)
      if (chain.until[above]! <= now) return false;
    return true;
  }

  /** A fault of the device entry or above it, or an address that it does not reach, answers its own function. */
  ofDevice(chain: ReadChain): boolean {
    if (chain.passed) return this.ownDeviceDecides(chain);
    return this.ofFaultyEntry(chain, chain.last >= this.unit.shape.device && this.isEntryFault());
  }

  /** The last entry, which faults, is read now or, where it is `cacheable`, may be in its cache. */
  ofFaultyEntry(chain: ReadChain, cacheable: boolean): boolean {
    const { moments, now, unit } = this;
    const { last } = chain;
    if (this.lastReadableNow(chain) && moments.inUse(chain, moments.above(last), now, this.known))
      return true;
    const isCached = unit.cachesFaults || unit.cachesInvalidDevices;
    return cacheable && isCached && moments.inUse(chain, last, now, this.known);
  }

  /** Every part of the last entry can be read now. */
  private lastReadableNow(chain: ReadChain): boolean {
    const { moments } = this;
    for (let link = chain.last; link > moments.above(chain.last); link--)
      if (!moments.readableNow(chain, link)) return false;
    return true;
  }

  /** The fault lies in what an entry says. */
  private isEntryFault(): boolean {
    return this.unit.isEntryFault(this.translation.fault);
  }

  /**
   * The chain can answer the request under device entries that give these rights, and that suppress the recording of
   * faults or not; null where that makes no difference.
   */
  ofAnswer(chain: ReadChain, access: number, suppresses: boolean | null): boolean {
    this.variant.access = access;
    this.variant.suppresses = suppresses;
    this.sameAccess.access = access;
    this.sameSuppression.suppresses = suppresses;
    if (suppresses !== null && !this.isOneOfOwn(this.sameSuppression)) return false;
    if (chain.passThrough) return this.ofPassThrough(chain);
    if (this.walkFeasible(chain)) return true;
    const faulty = this.translation.fault !== null || this.translation.notPresent;
    if (!faulty) return this.iotlbFeasible(chain);
    if (!this.unit.cachesFaults || !this.isEntryFault()) return false;
    const { last } = chain;
    if (chain.level[last] === 1) return this.iotlbFeasible(chain);
    return this.walksNow(chain) && this.moments.inUse(chain, last, this.now, this.known);
  }

  private ofPassThrough(chain: ReadChain): boolean {
    if (isOfVariant(this.translation, this.variant) && this.ownDeviceDecides(chain)) return true;
    return chain.domainId !== NO_DOMAIN && this.iotlbFeasible(chain);
  }

  private ownDeviceDecides(chain: ReadChain): boolean {
    if (chain.requester !== this.requester) return false;
    return this.moments.inUse(chain, this.unit.shape.lastDevice, this.now, this.known);
  }

  /** The last entry is read now; those above it may come from their caches. */
  private walkFeasible(chain: ReadChain): boolean {
    const { last } = chain;
    if (!this.moments.readableNow(chain, last)) return false;
    if (last === this.unit.shape.firstTable)
      return isOfVariant(this.translation, this.variant) && this.ownDeviceDecides(chain);
    return this.walksNow(chain) && this.moments.inUse(chain, last - 1, this.now, this.known);
  }

  /** A table entry of the chain's domain can be used by the requester itself now. */
  private walksNow(chain: ReadChain): boolean {
    const { now, known, variant } = this;
    return this.moments.usedFrom(this.own(), chain.domainId, now, known, variant) === now;
  }

  /** The answer comes from the IOTLB, whose entry was filled at some time since its fence. */
  private iotlbFeasible(chain: ReadChain): boolean {
    const { iotlbLookup } = this.unit;
    if (iotlbLookup !== "domain" && this.filledForRequester(chain)) return true;
    return iotlbLookup !== "device" && this.domainLookedUp(chain) && this.filledForAny(chain);
  }

  /** The requester's own device entry can give the chain's domain id now. */
  private domainLookedUp(chain: ReadChain): boolean {
    const { lastDevice } = this.unit.shape;
    for (const device of this.own()) {
      if (device.domainId !== chain.domainId || !isOfVariant(device, this.sameSuppression)) continue;
      if (this.moments.inUse(device, lastDevice, this.now, this.known)) return true;
    }
    return false;
  }

  /** The IOTLB entry was filled for the requester, under a device entry of its own. */
  private filledForRequester(chain: ReadChain): boolean {
    if (chain.last > this.unit.shape.firstTable) return this.filled(chain, this.own(), this.variant);
    const isOwn = chain.requester === this.requester && isOfVariant(this.translation, this.variant);
    return isOwn && this.filled(chain);
  }

  /** The IOTLB entry was filled for any function, with the rights of that function's device entry. */
  private filledForAny(chain: ReadChain): boolean {
    if (!this.unit.deviceRights) return this.filled(chain);
    if (chain.last <= this.unit.shape.firstTable)
      return isOfVariant(this.translation, this.sameAccess) && this.filled(chain);
    return this.filled(chain, this.devices.all(), this.sameAccess);
  }

  /** The IOTLB entry was filled for any function, or under one of the given device entries of that kind. */
  private filled(
    chain: ReadChain,
    devices: readonly DeviceWindow[] | null = null,
    variant = ANY_DEVICE,
  ): boolean {
    const { moments } = this;
    const { last, passThrough } = chain;
    const { step, done } = moments.iotlbFence(chain, chain.pages);
    let read = Math.max(step, latestSince(chain, last));
    // A pass-through result rests on no entry below the device entry.
    if (passThrough) return read < OPEN && moments.inUse(chain, last, read, done);
    if (devices) read = moments.usedFrom(devices, chain.domainId, read, done, variant);
    else if (last > this.unit.shape.firstTable) read = moments.walkedFrom(chain, read, done);
    return isReadable(chain, last, read, step) && moments.inUse(chain, last - 1, read, done);
  }

  private own(): readonly DeviceWindow[] {
    return this.devices.of(this.requester);
  }

  /** The requester may use a device entry of that kind. */
  private isOneOfOwn(variant: DeviceVariant): boolean {
    for (const device of this.own()) if (isOfVariant(device, variant)) return true;
    return false;
  }
}
