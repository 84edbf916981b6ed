/** QEMU's `intel-iommu`. */
import type { Action, Word } from "../../../../model/trace.js";
import type { RunSetup } from "../../interface.js";
import type { Machine } from "../machine.js";
import { PAGE_BYTES } from "../memory.js";
import { word32, word64 } from "../register-image.js";
import { type Arrival, bringToReset, bringToTranslating } from "../start.js";
import type { Unit, UnitKind } from "../unit.js";
import { isAtLeast } from "../version.js";
import { privateContents, privateRoot } from "./private-tables.js";
import { ADDRESS, Command, Register, STATE, WINDOW } from "./registers.js";
import { ignored, queueTranslating } from "./start-state.js";

/** Device properties, by the profile they make. */
const properties: Readonly<Record<string, string>> = {
  "qemu-39": "aw-bits=39",
  "qemu-48": "aw-bits=48",
  "qemu-48-caching-mode": "aw-bits=48,caching-mode=on",
  "qemu-39-esrtps": "aw-bits=39",
  "qemu-48-esrtps": "aw-bits=48",
  "qemu-48-caching-mode-esrtps": "aw-bits=48,caching-mode=on",
};

export const vtdKind: UnitKind = {
  device: "intel-iommu",
  /** From 10.1 on it reports CAP.ESRTPS. */
  profilesOf(version) {
    const esrtps = isAtLeast(version, 10, 1);
    return Object.keys(properties).filter((one) => one.endsWith("-esrtps") === esrtps);
  },
  propertiesOf: (profile) => properties[profile],
  address: ADDRESS,
  registers: [WINDOW],
  state: STATE,
  answers(registers) {
    const version = word32(registers, Register.version);
    return version !== 0 && version !== 0xffffffff;
  },
  emptyRoot: new Uint32Array(PAGE_BYTES / 4),
  privateContents,
  unitOf: (machine) => new VtdUnit(machine),
};

class VtdUnit implements Unit {
  /** The levels last asked for in GCMD_REG. */
  #level = 0;

  constructor(private readonly machine: Machine) {}

  identity(): Readonly<Record<string, Word>> {
    const { initial } = this.machine;
    return {
      version: { low: word32(initial, Register.version), high: 0 },
      capability: word64(initial, Register.capability),
      extendedCapability: word64(initial, Register.extendedCapability),
    };
  }

  bringTo(setup: RunSetup): void {
    if (setup.start === "reset") bringToReset(this.machine, ignored);
    else bringToTranslating(this.machine, () => queueTranslating(this.machine, setup));
    this.#level = levelAt(setup);
  }

  queueStart(setup: RunSetup): Arrival | undefined {
    this.#level = levelAt(setup);
    return setup.start === "reset" ? undefined : queueTranslating(this.machine, setup);
  }

  noteWrite({ offset, low }: Action & { do: "write-register" }): void {
    if (offset === Register.globalCommand) this.#level = low & (Command.translation | Command.queue);
  }

  /** Switching translation off takes milliseconds, so our root table takes the place of the run's. */
  giveWay(): boolean {
    const { qtest, pages } = this.machine;
    qtest.write64(ADDRESS + Register.rootTable, privateRoot(pages) * PAGE_BYTES, 0);
    qtest.write32(ADDRESS + Register.globalCommand, this.#level | Command.setRoot);
    return (this.#level & Command.translation) !== 0;
  }

  switchOff(): void {
    this.machine.qtest.write32(ADDRESS + Register.globalCommand, 0);
    this.#level = 0;
  }
}

function levelAt({ start }: RunSetup): number {
  return start === "reset" ? 0 : Command.translation | Command.queue;
}
