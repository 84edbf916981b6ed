/** Buses of a random topology, with what is on them; numbered depth first, as enumeration does it. */
import type { Bridge, Device, Endpoint, PciFunction, RootBus } from "../../model/pci/topology.js";
import { requesterId } from "../../model/words/address.js";
import type { Chance } from "../../model/words/chance.js";
import type { BusNumbering } from "./bus-numbering.js";
import { drawEndpoint, drawFunctionAcs, drawPortAcs } from "./functions.js";

const BRIDGE_LABELS: Readonly<Record<Bridge["kind"], string>> = {
  "root-port": "port",
  "switch-upstream": "switch",
  "switch-downstream": "down",
  "pcie-to-pci": "bridge",
  "pci-to-pci": "pci-bridge",
  "pci-to-pcie": "reverse",
};
const ENDPOINT_LABELS: Readonly<Record<Endpoint["kind"], string>> = {
  endpoint: "card",
  "integrated-endpoint": "chip",
  conventional: "pci",
};

/** Function numbers of multifunction devices. */
const SEVERAL: readonly (readonly number[])[] = [
  [0, 1],
  [0, 1, 2],
  [0, 2],
  [0, 1, 3, 6],
  [0, 4, 7],
];
const ARI: readonly number[] = [0, 1, 8, 21];

/** Writes the buses of one segment. */
export class BusWriter {
  private left: number;
  private depth = 0;

  /** `functions` is about how many to write, `nameOf` makes a name that is not taken. */
  constructor(
    private readonly chance: Chance,
    private readonly numbers: BusNumbering,
    private readonly most: { readonly functions: number; readonly depth: number },
    private readonly nameOf: (label: string) => string,
  ) {
    this.left = most.functions;
  }

  /** The next root bus, with everything below it. */
  root(): RootBus {
    const bus = this.numbers.open();
    const devices = this.devices(bus, 1 + this.chance.below(6), (device) => this.onRoot(bus, device));
    return { bus, devices };
  }

  /** Devices in ascending order, as long as there is something left to write. */
  private devices(bus: number, most: number, write: (device: number) => PciFunction[]): Device[] {
    const devices: Device[] = [];
    for (let device = 0; device < 32 && devices.length < most && this.left > 0; device++) {
      if (this.chance.happens(64) || !this.numbers.isFree(bus, device)) continue;
      const functions = write(device);
      if (functions.length > 0) devices.push({ device, functions });
    }
    return devices;
  }

  private onRoot(bus: number, device: number): PciFunction[] {
    if (this.chance.happens(152)) return this.bridges("root-port", bus, device, this.functions(72));
    if (this.chance.happens(40)) return this.bridges("pci-to-pci", bus, device, [0]);
    return this.endpoints(this.chance.happens(32) ? "conventional" : "integrated-endpoint", bus, device);
  }

  private onLink(bus: number): Device[] {
    if (this.left <= 0 || this.chance.happens(32)) return [];
    const draw = this.depth < this.most.depth ? this.chance.below(256) : 0;
    if (draw < 136) return [{ device: 0, functions: this.endpoints("endpoint", bus, 0) }];
    const functions =
      draw < 200 ? this.switchOn(bus) : this.bridges("pcie-to-pci", bus, 0, this.functions(48));
    return functions.length === 0 ? [] : [{ device: 0, functions }];
  }

  /** A switch. Now and then its upstream port is a function of a multifunction device. */
  private switchOn(bus: number): PciFunction[] {
    const [upstream, ...others] = this.functions(48);
    const port = this.bridges("switch-upstream", bus, 0, [upstream!], others.length > 0);
    return port.length === 0 ? [] : [...port, ...this.endpoints("endpoint", bus, 0, others, true)];
  }

  private onConventional(bus: number, device: number): PciFunction[] {
    if (this.depth === this.most.depth || !this.chance.happens(72))
      return this.endpoints("conventional", bus, device);
    return this.bridges(this.chance.happens(128) ? "pci-to-pci" : "pci-to-pcie", bus, device, [0]);
  }

  private endpoints(
    kind: Endpoint["kind"],
    bus: number,
    device: number,
    functions = kind === "endpoint" && this.chance.happens(24) ? ARI : this.functions(88),
    isMulti = functions.length > 1,
  ): Endpoint[] {
    this.left -= functions.length;
    this.numbers.claim(functions.map((fn) => requesterId(bus, device, fn)));
    return functions.map((fn) => {
      const name = this.nameOf(ENDPOINT_LABELS[kind]);
      return drawEndpoint(this.chance, this.numbers, { name, kind, bus, device, function: fn, isMulti });
    });
  }

  private bridges(
    kind: Bridge["kind"],
    bus: number,
    device: number,
    functions: readonly number[],
    isMulti = functions.length > 1,
  ): Bridge[] {
    this.numbers.claim(functions.map((fn) => requesterId(bus, device, fn)));
    return functions.flatMap((fn) => (this.numbers.isExhausted ? [] : [this.bridge(kind, fn, isMulti)]));
  }

  private bridge(kind: Bridge["kind"], fn: number, isMulti: boolean): Bridge {
    const { chance, numbers } = this;
    this.left -= 1;
    this.depth += 1;
    const isPort = kind === "root-port" || kind === "switch-downstream";
    const name = this.nameOf(BRIDGE_LABELS[kind]);
    const acs = isPort ? drawPortAcs(chance) : isMulti ? drawFunctionAcs(chance) : null;
    const secondary = numbers.open();
    const devices = this.behind(kind, secondary);
    const hotPlug = isPort && chance.happens(56);
    const subordinate = numbers.leave(hotPlug ? chance.below(4) : 0);
    this.depth -= 1;
    return { name, kind, function: fn, acs, secondary, subordinate, hotPlug, devices };
  }

  private behind(kind: Bridge["kind"], bus: number): Device[] {
    switch (kind) {
      case "switch-upstream":
        return this.devices(bus, 1 + this.chance.below(4), (device) =>
          this.bridges("switch-downstream", bus, device, this.functions(24)),
        );
      case "pcie-to-pci":
      case "pci-to-pci":
        return this.devices(bus, this.chance.below(4), (device) => this.onConventional(bus, device));
      default:
        return this.onLink(bus);
    }
  }

  /** The function numbers of a device, which has several `weight` times in 256. */
  private functions(weight: number): readonly number[] {
    return this.chance.happens(weight) ? SEVERAL[this.chance.below(SEVERAL.length)]! : [0];
  }
}
