/** Codecs of topologies and of what firmware knows of a machine. */
import * as t from "io-ts";
import type { FirmwarePlatform } from "../../model/pci/platform.js";
import type { Bridge, Device, Endpoint, PciFunction } from "../../model/pci/topology.js";
import { accessCodec, name, nullable, oneOf, page, range } from "../codec.js";

const bus = range(0, 0xff);
const segment = range(0, 0xffff);
const requester = range(0, 0xffff);
const acs = nullable(range(0, 0x7f));

const functionFields = { name, function: range(0, 0xff), acs };

const endpoint: t.Type<Endpoint> = t.strict(
  {
    ...functionFields,
    kind: oneOf("endpoint", "integrated-endpoint", "conventional"),
    phantomBits: t.union([t.literal(0), t.literal(1), t.literal(2), t.literal(3)]),
    sriov: nullable(
      t.strict({
        totalVfs: range(0, 0xffff),
        numVfs: range(0, 0xffff),
        firstVfOffset: range(0, 0xffff),
        vfStride: range(0, 0xffff),
        vfAcs: acs,
      }),
    ),
    alsoFunctions: t.readonlyArray(range(0, 7)),
  },
  "an endpoint",
);

const bridge: t.Type<Bridge> = t.recursion("a bridge", () =>
  t.strict({
    ...functionFields,
    kind: oneOf(
      "root-port",
      "switch-upstream",
      "switch-downstream",
      "pcie-to-pci",
      "pci-to-pci",
      "pci-to-pcie",
    ),
    secondary: bus,
    subordinate: bus,
    hotPlug: t.boolean,
    devices: t.readonlyArray(deviceCodec),
  }),
);

const functionCodec: t.Type<PciFunction> = t.union([endpoint, bridge], "a function of a known kind");

const deviceCodec: t.Type<Device> = t.strict(
  { device: range(0, 31), functions: t.readonlyArray(functionCodec) },
  "a device",
);

export const topologyCodec = t.strict({
  segments: t.readonlyArray(
    t.strict({ segment, roots: t.readonlyArray(t.strict({ bus, devices: t.readonlyArray(deviceCodec) })) }),
  ),
});

const names = t.readonlyArray(name);

/** A machine as its firmware knows it. */
export const platformCodec: t.Type<FirmwarePlatform> = t.strict({
  topology: topologyCodec,
  hostAddressWidth: range(32, 52),
  interruptRemapping: t.boolean,
  optIn: t.boolean,
  units: t.readonlyArray(
    t.strict({
      name,
      segment,
      registers: page,
      covers: t.union([t.literal("rest"), names]),
      itself: nullable(requester),
    }),
  ),
  reserved: t.readonlyArray(
    t.strict({
      functions: names,
      page,
      pages: range(1, 512),
      kind: oneOf("unity", "exclusion"),
      access: accessCodec,
    }),
  ),
  interruptSources: t.readonlyArray(
    t.strict({ kind: oneOf("io-apic", "hpet"), id: range(0, 0xff), segment, requester }),
  ),
  atsPorts: names,
});
