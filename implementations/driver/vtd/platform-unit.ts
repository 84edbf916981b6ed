/** A VT-d unit as platform software drives it, over whatever firmware or another system left (VT-d 6.5.2, 6.6, 11.4.4). */
import { vtdProfile } from "../../../model/vtd/profile.js";
import { GlobalBit, Offset } from "../../../model/vtd/registers.js";
import type { HostPage } from "../../../model/words/address.js";
import type { Driver, Routine } from "../interface.js";
import type { PlatformFaults } from "../platform/faults.js";
import type { UnitDriver, UnitFault, UnitSetup } from "../platform/unit.js";
import type { DomainIds } from "../shared/domain-ids.js";
import { Gated } from "../shared/gated.js";
import { IntentDriver } from "../shared/intent-driver.js";
import { perProfile } from "../shared/per-profile.js";
import { expectSeen, type Steps } from "../shared/steps.js";
import { commandRootTable, enableTranslation, flushEverything } from "./boot.js";
import { intentPartsOf, interfacesOf } from "./driver.js";
import { Encodings } from "./encodings.js";
import { takeFaultRecords } from "./fault-records.js";
import { inheritedDomainIds } from "./inherited-domains.js";
import { type Invalidation, VtdFlusher } from "./invalidation.js";
import { protectMemory, releaseMemory } from "./protected-memory.js";
import type { InvalidationQueue } from "./queue.js";
import type { Unit } from "./unit.js";

/** Head of the queue, bits 18:4 of IQH. */
const HEAD_MASK = 0x7fff0;

const encodingsOf = perProfile((profile) => new Encodings(vtdProfile(profile), {}));

export class VtdPlatformUnit implements UnitDriver {
  readonly intents: Driver;
  private readonly unit: Unit;
  private readonly queue: InvalidationQueue;
  private readonly usesQueue: boolean;
  private readonly gate: Gated<Invalidation>;
  private readonly flusher: VtdFlusher;
  private readonly domainIds: DomainIds;
  private readonly rootPage: HostPage;

  constructor(
    setup: UnitSetup,
    private readonly faults: PlatformFaults,
  ) {
    const { unit, queue, usesQueue, via } = interfacesOf(setup, encodingsOf(setup.profile), {});
    this.unit = unit;
    this.queue = queue;
    this.usesQueue = usesQueue;
    this.rootPage = setup.rootPage;
    this.gate = new Gated(via);
    this.flusher = new VtdFlusher(unit, this.gate);
    const parts = intentPartsOf(unit, this.flusher, setup.rootPage, nothing);
    this.domainIds = parts.domainIds;
    this.intents = new IntentDriver("vtd", "strict", parts);
  }

  *takeOver(entries: Routine): Routine {
    const { unit, faults, domainIds } = this;
    yield* unit.readLevels();
    const translates = unit.isOn(GlobalBit.translationEnable);
    const inherited = unit.rootPointerSet ? yield* inheritedDomainIds() : [];
    if (faults.releasesProtectionFirst) yield* releaseMemory(unit);
    // A unit may look translations up by domain id: until they are flushed, those of the system before are not used.
    const withheld = faults.reusesDomainIds ? [] : inherited;
    domainIds.withhold(withheld);
    if (translates && faults.switchesOff) yield* this.switchOff();
    yield* this.takeQueue();
    yield* entries;
    this.gate.open();
    yield* this.exchangeRoot(translates);
    for (const id of withheld) domainIds.release(id);
    yield* releaseMemory(unit);
  }

  takeFaults(): Steps<readonly UnitFault[]> {
    return takeFaultRecords(this.unit.platform, this.faults);
  }

  protect(page: HostPage, pages: number): Routine {
    return protectMemory(this.unit, page, pages);
  }

  *leaveTables(entries: Routine): Routine {
    yield* entries;
    yield* commandRootTable(this.unit, this.rootPage);
    yield* this.unit.sees(GlobalBit.setRootTablePointer, true);
  }

  private *switchOff(): Routine {
    const { unit } = this;
    yield unit.switchLevel(GlobalBit.translationEnable, false);
    yield* unit.sees(GlobalBit.translationEnable, false);
  }

  /** 6.5.2: a queue is exchanged while it is off, and switched off when it is empty. */
  private *takeQueue(): Routine {
    const { unit, queue } = this;
    const { queuedInvalidationEnable } = GlobalBit;
    if (unit.isOn(queuedInvalidationEnable)) {
      const { low } = yield { do: "read-register", offset: Offset.IQT, width: 8 };
      const value = low & HEAD_MASK;
      const empty = yield { do: "poll-register", offset: Offset.IQH, mask: HEAD_MASK, value };
      expectSeen(empty, "an empty queue");
      yield unit.switchLevel(queuedInvalidationEnable, false);
      yield* unit.sees(queuedInvalidationEnable, false);
    }
    if (this.usesQueue) yield* queue.enable();
  }

  /** 6.6: requests are answered by the old or the new table until what is cached of the old one has been flushed. */
  private *exchangeRoot(translates: boolean): Routine {
    const { unit, faults, rootPage } = this;
    const exchanges = !(translates && faults.keepsRoot);
    if (faults.forgetsLevels) unit.forgetLevels();
    if (exchanges) yield* commandRootTable(unit, rootPage);
    if (faults.enablesBeforeRoot) yield* enableTranslation(unit);
    if (exchanges) yield* unit.sees(GlobalBit.setRootTablePointer, true);
    if (!faults.skipsFlushAtTakeOver) yield* flushEverything(this.flusher);
    if (!unit.isOn(GlobalBit.translationEnable)) yield* enableTranslation(unit);
  }
}

function* nothing(): Routine {}
