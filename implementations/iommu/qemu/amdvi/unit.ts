/** QEMU's `amd-iommu`. */
import type { Word } from "../../../../model/trace.js";
import { requesterId } from "../../../../model/words/address.js";
import type { RunSetup } from "../../interface.js";
import type { Machine } from "../machine.js";
import { readConfiguration } from "../pci.js";
import { word32, word64 } from "../register-image.js";
import { type Arrival, bringToReset, bringToTranslating } from "../start.js";
import type { Unit, UnitKind } from "../unit.js";
import { isAtLeast } from "../version.js";
import { ADDRESS, FEATURES, POINTERS, Register, SETTINGS } from "./registers.js";
import { blockingEntries, NOTHING_IGNORED, privateContents, queueTranslating } from "./start-state.js";

/** Without this property a unit that has it translates nothing. */
export const REMAPPING = "dma-remap=on";

const PROFILE = "amd-qemu";
const VENDOR = 0x1022;
const CAPABILITY = 0x40;
const MISC0 = 0x50;

export const amdViKind: UnitKind = {
  device: "amd-iommu",
  profilesOf: () => [PROFILE],
  propertiesOf(profile, version) {
    if (profile !== PROFILE) return undefined;
    return isAtLeast(version, 10, 2) ? REMAPPING : "";
  },
  address: ADDRESS,
  registers: [SETTINGS, FEATURES, POINTERS],
  state: POINTERS,
  answers(registers) {
    const features = word32(registers, Register.extendedFeatures);
    return features !== 0 && features !== 0xffffffff;
  },
  emptyRoot: blockingEntries(),
  privateContents,
  unitOf: (machine) => new AmdViUnit(machine),
};

class AmdViUnit implements Unit {
  constructor(private readonly machine: Machine) {}

  identity(): Readonly<Record<string, Word>> {
    const { initial } = this.machine;
    return {
      extendedFeatures: word64(initial, Register.extendedFeatures),
      extendedFeatures2: word64(initial, Register.extendedFeatures2),
      capabilityHeader: { low: this.#configuration(CAPABILITY), high: 0 },
      misc0: { low: this.#configuration(MISC0), high: 0 },
    };
  }

  bringTo(setup: RunSetup): void {
    if (setup.start === "reset") bringToReset(this.machine, NOTHING_IGNORED);
    else bringToTranslating(this.machine, () => queueTranslating(this.machine, setup));
  }

  queueStart(setup: RunSetup): Arrival | undefined {
    return setup.start === "reset" ? undefined : queueTranslating(this.machine, setup);
  }

  noteWrite(): void {}

  /** Translation is switched off at once, so devices reach the adapter's pages as they are. */
  giveWay(): boolean {
    this.switchOff();
    return false;
  }

  switchOff(): void {
    this.machine.qtest.write64(ADDRESS + Register.control, 0, 0);
  }

  /** A word of the configuration space of the IOMMU's own function, wherever on bus 0 QEMU has put it. */
  #configuration(register: number): number {
    const { qtest } = this.machine;
    const slots = Array.from({ length: 32 }, (_, slot) => requesterId(0, slot, 0));
    const vendors = slots.map((id) => ({ id, reply: readConfiguration(qtest, id, 0) }));
    qtest.exchange();
    const own = vendors.find(({ reply }) => (qtest.low(reply) & 0xffff) === VENDOR);
    if (own === undefined) return 0;
    const value = readConfiguration(qtest, own.id, register);
    qtest.exchange();
    return qtest.low(value);
  }
}
