/** A running machine with a tree of PCI devices: its configuration space, its devices, what QEMU tells its firmware. */
import type { ConfigurationSpace } from "../../../../model/pci/configuration-space.js";
import type { ArchitectureId } from "../../../../model/profile.js";
import { type RequesterId, requesterId } from "../../../../model/words/address.js";
import { BreakdownError } from "../../../process/waiting.js";
import { ImplementationError } from "../../interface.js";
import { type Clock, Edu, tagImage } from "../edu.js";
import type { Launch } from "../find.js";
import { PAGE_BYTES, writePage } from "../memory.js";
import { chassisOptions } from "../options.js";
import { assignBars, configure, writeConfiguration } from "../pci.js";
import { Pipes } from "../pipes.js";
import { type QemuProcess, startProcess } from "../process.js";
import { Qtest } from "../qtest.js";
import { kindOf } from "../units.js";
import { type Laid, layOut, type Tree } from "./tree.js";

/** Which machine to start. */
export interface PlatformOptions {
  readonly architecture: ArchitectureId;
  readonly tree: Tree;
  /** Further properties of the IOMMU, such as `device-iotlb=on`. */
  readonly properties?: string;
}

const MEMORY_PAGES = 0x8000;
/** Starting takes longer than answering. */
const START_PATIENCE = 5;
/** The register of the host bridge that places extended configuration space, and where it goes: 256 MiB, enabled. */
const PCIEXBAR = 0x60;
const EXTENDED_CONFIGURATION = 0xb0000000;
const FUNCTION_BYTES = 4096;
const HEADER_TYPE = 0x0c;
const MULTIFUNCTION = 0x800000;
const NO_VENDOR = 0xffff;
const TAGS_PAGE = 0x7ff0;

/** One QEMU process with its buses numbered, its devices placed and translation off. */
export class QemuPlatform {
  readonly architecture: ArchitectureId;
  readonly qtest: Qtest;
  /** By their addresses in configuration space. */
  readonly devices: ReadonlyMap<RequesterId, Edu>;
  readonly #laid: Laid;
  readonly #process: QemuProcess;

  /** @throws ImplementationError when QEMU cannot be such a machine */
  constructor(
    private readonly launch: Launch,
    { architecture, tree, properties = "" }: PlatformOptions,
  ) {
    this.architecture = architecture;
    this.#laid = layOut(tree);
    const { qemu, qtestAccelerator } = launch;
    const kind = kindOf(architecture);
    const known = kind.propertiesOf(kind.profilesOf(qemu.version)[0]!, qemu.version)!;
    const unit = [kind.device, known, properties].filter((one) => one !== "").join();
    this.#process = startProcess(qemu.path, MEMORY_PAGES * PAGE_BYTES, (files) => [
      ...chassisOptions(MEMORY_PAGES, files, qtestAccelerator),
      ...this.#laid.options,
      ...["-device", unit],
    ]);
    this.qtest = new Qtest(new Pipes(this.#process, START_PATIENCE * launch.timeoutMs));
    const bars = assignBars(this.#laid.endpoints);
    const clock: Clock = qtestAccelerator ? "stepped" : "polled";
    this.devices = new Map([...bars].map(([id, bar]) => [id, new Edu(this.qtest, bar, clock)]));
    this.guard(() => {
      configure(this.qtest, this.#laid.bridges, bars);
      writeConfiguration(this.qtest, 0, PCIEXBAR, EXTENDED_CONFIGURATION + 1);
      this.qtest.exchange();
      this.#process.started();
      writePage(this.memory, TAGS_PAGE, tagImage());
      for (const edu of this.devices.values()) edu.loadTags({ low: TAGS_PAGE * PAGE_BYTES, high: 0 });
      this.qtest.exchange();
    });
  }

  /** The file that is the guest's memory. */
  get memory(): number {
    return this.#process.memory;
  }

  /** The numbers of all buses. */
  get buses(): readonly number[] {
    return [...this.#laid.roots, ...this.#laid.bridges.map((one) => one.secondary)];
  }

  /** The configuration space of every function of every bus in use, virtual functions excepted. */
  configurationSpaces(): ConfigurationSpace[] {
    return this.guard(() => this.buses.flatMap((bus) => this.#functionsOn(bus)).map((id) => this.#space(id)));
  }

  /**
   * Runs `work`, and ends QEMU when the conversation breaks down.
   * @throws ImplementationError that says what happened
   */
  guard<T>(work: () => T): T {
    try {
      this.qtest.begin();
      return work();
    } catch (error) {
      const words = this.#process.lastWords();
      this.end();
      if (!(error instanceof BreakdownError)) throw error;
      const { path, version } = this.launch.qemu;
      throw new ImplementationError(
        `QEMU ${version} (${path}) failed as a machine with PCI devices: ${error.message}. ${words}`,
      );
    }
  }

  /** Ends QEMU. Safe to call twice. */
  end(): void {
    this.#process.end();
  }

  #functionsOn(bus: number): RequesterId[] {
    const firsts = this.#present(Array.from({ length: 32 }, (_, device) => requesterId(bus, device, 0)));
    const headers = this.#words(firsts, HEADER_TYPE);
    const others = firsts.filter((_, index) => (headers[index]! & MULTIFUNCTION) !== 0);
    const more = this.#present(others.flatMap((id) => [1, 2, 3, 4, 5, 6, 7].map((fn) => id | fn)));
    return [...firsts, ...more].sort((one, other) => one - other);
  }

  #present(ids: readonly RequesterId[]): RequesterId[] {
    const vendors = this.#words(ids, 0);
    return ids.filter((_, index) => (vendors[index]! & 0xffff) !== NO_VENDOR);
  }

  #words(ids: readonly RequesterId[], register: number): number[] {
    const replies = ids.map((id) =>
      this.qtest.read32(EXTENDED_CONFIGURATION + id * FUNCTION_BYTES + register),
    );
    this.qtest.exchange();
    return replies.map((reply) => this.qtest.low(reply));
  }

  #space(id: RequesterId): ConfigurationSpace {
    const reply = this.qtest.readBlock(EXTENDED_CONFIGURATION + id * FUNCTION_BYTES, FUNCTION_BYTES);
    this.qtest.exchange();
    const words = this.qtest.words(reply).flatMap(({ low, high }) => [low, high]);
    const bytes = new Uint8Array(Uint32Array.from(words).buffer);
    return { segment: 0, bus: id >>> 8, device: (id >>> 3) & 31, function: id & 7, bytes };
  }
}
