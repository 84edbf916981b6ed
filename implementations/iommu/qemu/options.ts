/** Which machine to start for a platform and its devices, as QEMU command-line options. */
import { type RequesterId, showRequester } from "../../../model/words/address.js";
import { ImplementationError, type RunSetup } from "../interface.js";
import { PAGE_BYTES } from "./memory.js";
import type { BootFiles } from "./process.js";
import type { UnitKind } from "./unit.js";
import { kindOf } from "./units.js";

/** A root port: the slot on bus 0 it occupies, and the bus behind it. */
export interface RootPort {
  readonly slot: number;
  readonly bus: number;
}

/** A machine: everything that decides whether two runs can share one QEMU process. */
export interface Blueprint {
  readonly kind: UnitKind;
  readonly profile: string;
  /** Properties of the IOMMU. */
  readonly properties: string;
  readonly memoryPages: number;
  readonly requesters: readonly RequesterId[];
  readonly ports: readonly RootPort[];
}

/** The device, with all 64 address bits. */
export const EDU = "edu,dma_mask=0xffffffffffffffff";
const LAST_FREE_SLOT = 30;
const MAX_MEMORY_PAGES = 0x80000;
const PAGES_PER_MIB = 256;

/**
 * The machine for a run on a version of QEMU.
 * @throws ImplementationError when QEMU cannot be this platform or have these devices
 */
export function blueprintOf(setup: RunSetup, version: string): Blueprint {
  const { architecture, id, memoryPages } = setup.profile;
  const kind = kindOf(architecture);
  const properties = kind.propertiesOf(id, version);
  if (properties === undefined) {
    throw new ImplementationError(`QEMU cannot be a ${id}; it takes ${kind.profilesOf(version).join(", ")}`);
  }
  if (memoryPages > MAX_MEMORY_PAGES || memoryPages % PAGES_PER_MIB !== 0) {
    throw new ImplementationError(`QEMU takes whole MiB of memory, at most 2 GiB, not ${memoryPages} pages`);
  }
  const requesters = [...new Set(setup.requesters)].sort((a, b) => a - b);
  for (const id of requesters) checkPlace(id);
  return { kind, profile: id, properties, memoryPages, requesters, ports: portsFor(requesters) };
}

/** Whether a machine built for `have` can run what needs `need`: devices nobody uses do no harm. */
export function suffices(have: Blueprint, need: Blueprint): boolean {
  return (
    have.profile === need.profile &&
    have.memoryPages === need.memoryPages &&
    need.requesters.every((id) => have.requesters.includes(id))
  );
}

/** The options of a machine. */
export function optionsFor(machine: Blueprint, files: BootFiles, qtestAccelerator: boolean): string[] {
  return [
    ...chassisOptions(machine.memoryPages, files, qtestAccelerator),
    ...boardOptions(machine),
    // After the others: `amd-iommu` is a PCI function too, and takes a slot that is left.
    ...["-device", unitWith(machine)],
  ];
}

/** What is plugged into a machine, its IOMMU excepted. */
export function boardOptions(machine: Blueprint): string[] {
  return [
    ...machine.ports.flatMap(portOptions),
    ...[...fillers(machine), ...machine.requesters].flatMap(deviceOptions),
  ];
}

/** The IOMMU with its properties. */
export function unitWith({ kind, properties }: Blueprint): string {
  return [kind.device, properties].filter((one) => one !== "").join();
}

/** A machine without devices. Without the qtest accelerator the clock runs ahead while the processor sleeps. */
export function chassisOptions(memoryPages: number, files: BootFiles, qtestAccelerator: boolean): string[] {
  const bytes = memoryPages * PAGE_BYTES;
  const clock = qtestAccelerator
    ? ["-machine", "q35,accel=qtest,memory-backend=ram"]
    : [
        "-machine",
        "q35,accel=tcg,kernel-irqchip=split,smm=off,memory-backend=ram",
        "-icount",
        "shift=0,sleep=off",
      ];
  return [
    ...clock,
    ...["-nodefaults", "-no-user-config", "-display", "none", "-m", `${memoryPages / PAGES_PER_MIB}M`],
    ...["-object", `memory-backend-file,id=ram,size=${bytes},share=on,mem-path=${files.memory}`],
    ...["-bios", files.firmware, "-qtest", "stdio", "-qtest-log", "none"],
  ];
}

function portOptions({ slot, bus }: RootPort): string[] {
  return ["-device", `pcie-root-port,id=port${bus},bus=pcie.0,addr=${slot.toString(16)},chassis=${bus}`];
}

/** Without a function 0, a slot behind a root port has no power, and one on bus 0 does not count as taken. */
function fillers(machine: Blueprint): RequesterId[] {
  const firsts = new Set(machine.requesters.map((id) => id & ~7));
  return [...firsts].filter((id) => !machine.requesters.includes(id));
}

function deviceOptions(id: RequesterId): string[] {
  const bus = id >>> 8;
  const place = `${((id >>> 3) & 31).toString(16)}.${id & 7}`;
  const parent = bus === 0 ? "pcie.0" : `port${bus}`;
  return ["-device", `${EDU},bus=${parent},addr=${place},multifunction=on`];
}

function checkPlace(id: RequesterId): void {
  const slot = (id >>> 3) & 31;
  const fits = id >>> 8 === 0 ? slot >= 1 && slot <= LAST_FREE_SLOT : slot === 0;
  if (fits) return;
  throw new ImplementationError(
    `QEMU cannot have a device at ${showRequester(id)}: ` +
      "bus 0 takes devices 01 to 1e, every other bus is behind a root port and takes device 00",
  );
}

/** Root ports from slot 1ch upwards, then from there downwards, around the slots the requesters occupy. */
function portsFor(requesters: readonly RequesterId[]): RootPort[] {
  const taken = new Set(requesters.filter((id) => id >>> 8 === 0).map((id) => id >>> 3));
  const slots = [0x1c, 0x1d, 0x1e];
  for (let slot = 0x1b; slot > 0; slot--) slots.push(slot);
  const free = slots.filter((slot) => !taken.has(slot));
  const buses = [...new Set(requesters.map((id) => id >>> 8))].filter((bus) => bus !== 0);
  if (buses.length > free.length) {
    throw new ImplementationError(`QEMU has no free slot for ${buses.length} root ports on bus 0`);
  }
  return buses.map((bus, index) => ({ slot: free[index]!, bus }));
}
