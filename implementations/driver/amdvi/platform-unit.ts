/** An AMD-Vi unit as platform software drives it, over whatever firmware or another system left (AMD-Vi 2.4, 2.5). */

import { amdViProfile } from "../../../model/amdvi/profile.js";
import { ControlBit, Offset, StatusBit } from "../../../model/amdvi/registers.js";
import { DEVICE_TABLE_ENTRIES_PER_PAGE, deviceTableEntryAt } from "../../../model/amdvi/tables.js";
import type { HostPage } from "../../../model/words/address.js";
import type { Driver, Routine } from "../interface.js";
import type { PlatformFaults } from "../platform/faults.js";
import type { UnitDriver, UnitFault, UnitSetup } from "../platform/unit.js";
import { Gated } from "../shared/gated.js";
import { IntentDriver } from "../shared/intent-driver.js";
import { perProfile } from "../shared/per-profile.js";
import { expectSeen, register, type Steps } from "../shared/steps.js";
import { base, LENGTH_HIGH } from "./boot.js";
import { CommandBuffer } from "./command-buffer.js";
import { Control } from "./control.js";
import { type AmdViParts, intentPartsOf } from "./driver.js";
import { type Command, Encodings } from "./encodings.js";
import { EventLog } from "./event-log.js";
import { inheritedDomainIds } from "./inherited-domains.js";

/** ExEn and Allow of ExclBase: from page 0 on every device may pass. */
const EXCLUDES_FOR_ALL = 3;
/** Offset of a command in the buffer, bits 18:4. */
const POINTER_MASK = 0x7fff0;

const encodingsOf = perProfile((profile) => new Encodings(amdViProfile(profile), {}));

export class AmdViPlatformUnit implements UnitDriver {
  readonly intents: Driver;
  private readonly lastPage: HostPage;
  private readonly encodings: Encodings;
  private readonly control = new Control();
  private readonly log: EventLog;
  private readonly gate: Gated<Command>;
  private readonly parts: AmdViParts;

  /** The device table begins in the pages set aside for it, and has as many as it needs. */
  private readonly places: Pick<UnitSetup, "rootPage" | "rootPages" | "queuePage">;

  constructor(
    { profile, rootPage, rootPages, queuePage, statusPage, logPage, largestRequester }: UnitSetup,
    private readonly faults: PlatformFaults,
  ) {
    const needed = deviceTableEntryAt(largestRequester).page + 1;
    this.places = { rootPage, rootPages: Math.min(rootPages, needed), queuePage };
    if (logPage === null) throw new RangeError("an AMD-Vi unit needs a page for its event log");
    this.lastPage = profile.memoryPages - 1;
    this.encodings = encodingsOf(profile);
    this.log = new EventLog(this.control, logPage, faults);
    this.gate = new Gated(new CommandBuffer(this.encodings, {}, queuePage, statusPage));
    this.parts = intentPartsOf(this.places, this.gate, this.encodings, {}, nothing);
    this.intents = new IntentDriver("amdvi", "strict", this.parts);
  }

  *takeOver(entries: Routine): Routine {
    const { control, faults, log } = this;
    const { devices, domainIds } = this.parts;
    yield* control.read();
    const translates = control.has(ControlBit.IommuEn);
    const { low, high } = yield { do: "read-register", offset: Offset.DevTabBase, width: 8 };
    // A unit that was not used since a reset has no device table.
    const wasUsed = low !== 0 || high !== 0;
    const inherited = wasUsed ? yield* inheritedDomainIds(low, high) : [];
    // Translations are looked up by DomainID: until they are flushed, those of the system before are not used.
    const withheld = faults.reusesDomainIds ? [] : inherited;
    domainIds.withhold(withheld);
    if (translates && faults.switchesOff) yield* control.clear(ControlBit.IommuEn);
    if (!translates && !faults.leavesExclusion) yield register(Offset.ExclBase, 8, 0, 0);
    yield* this.takeCommandBuffer();
    yield* log.takeOver();
    yield* devices.blockAll();
    yield* entries;
    this.gate.open();
    yield* this.exchangeTable(translates);
    if (wasUsed && !faults.skipsFlushAtTakeOver) yield* this.flushEverything(inherited);
    for (const id of withheld) domainIds.release(id);
  }

  takeFaults(): Steps<readonly UnitFault[]> {
    return this.log.take();
  }

  protect(): Routine {
    throw new RangeError("an AMD-Vi unit has no protected memory registers");
  }

  *leaveTables(entries: Routine): Routine {
    const { rootPage, rootPages } = this.places;
    yield* this.parts.devices.blockAll();
    yield* entries;
    yield* deviceTableBase(rootPage, rootPages);
    yield register(Offset.ExclBase, 8, EXCLUDES_FOR_ALL, 0);
    yield base(Offset.ExclLimit, this.lastPage, 0, 0);
  }

  /** 2.4: a command buffer is exchanged while it does not run, and stopped when it is empty. */
  private *takeCommandBuffer(): Routine {
    const { control, places } = this;
    if (control.has(ControlBit.IommuEn | ControlBit.CmdBufEn)) {
      const { low } = yield { do: "read-register", offset: Offset.CmdTail, width: 8 };
      const value = low & POINTER_MASK;
      const empty = yield { do: "poll-register", offset: Offset.CmdHead, mask: POINTER_MASK, value };
      expectSeen(empty, "an empty command buffer");
    }
    yield* control.clear(ControlBit.CmdBufEn, StatusBit.CmdBufRun);
    yield base(Offset.CmdBase, places.queuePage, 0, LENGTH_HIGH);
  }

  /** A device table is in use from the write of its base on. */
  private *exchangeTable(translates: boolean): Routine {
    const { control, faults } = this;
    const { rootPage, rootPages } = this.places;
    const on = ControlBit.IommuEn | ControlBit.CmdBufEn | ControlBit.EventLogEn;
    const parts = [control.set(on)];
    if (!(translates && faults.keepsRoot)) parts.push(deviceTableBase(rootPage, rootPages));
    if (!faults.enablesBeforeRoot) parts.reverse();
    for (const part of parts) yield* part;
  }

  /** 2.4.8; where the unit has no command for it, every entry of a device table and every domain that was used. */
  private flushEverything(domainIds: Iterable<number>): Routine {
    const { encodings, places } = this;
    const { flusher } = this.parts;
    if (encodings.invalidateAll) return flusher.flush([encodings.invalidateAll]);
    const deviceIds = Array.from({ length: places.rootPages * DEVICE_TABLE_ENTRIES_PER_PAGE }, (_, id) => id);
    return flusher.flush(
      deviceIds.map((id) => encodings.invalidateDevice(id)),
      [...domainIds].map((id) => encodings.invalidateDomain(id)),
    );
  }
}

function* deviceTableBase(page: number, pages: number): Routine {
  yield base(Offset.DevTabBase, page, pages - 1, 0);
}

function* nothing(): Routine {}
