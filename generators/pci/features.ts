/** What a topology has of the things that isolation can fail by: tests count them, so that no generator loses one. */

import { isDownstreamPort } from "../../model/pci/acs.js";
import { functionNamed, type LocatedFunction, locatedFunctions } from "../../model/pci/functions.js";
import { Acs, type Endpoint, ISOLATING_ACS, isBridge, type Topology } from "../../model/pci/topology.js";

type Has = (one: LocatedFunction, topology: Topology) => boolean;

const isPort: Has = (one) => isDownstreamPort(one);
const endpointOf = ({ self, physical }: LocatedFunction): Endpoint | null =>
  isBridge(self) || physical !== null ? null : self;
const isMulti: Has = ({ of }) => of.functions.length > 1;
const lacks =
  (bit: number): Has =>
  (one) =>
    isDownstreamPort(one) &&
    one.self.acs !== null &&
    (one.self.acs & ISOLATING_ACS) === (ISOLATING_ACS & ~bit);

/** By name, how to see it on a function. */
const FEATURES: Readonly<Record<string, Has>> = {
  "root port": ({ kind }) => kind === "root-port",
  switch: ({ kind }) => kind === "switch-upstream",
  "switch below a switch": ({ kind, above }) =>
    kind === "switch-upstream" && above.some((bridge) => bridge.kind === "switch-upstream"),
  "upstream port with sibling functions": (one, topology) =>
    one.kind === "switch-upstream" && isMulti(one, topology),
  "PCIe-to-PCI bridge": ({ kind }) => kind === "pcie-to-pci",
  "PCI-to-PCI bridge": ({ kind }) => kind === "pci-to-pci",
  "PCI-to-PCIe bridge": ({ kind }) => kind === "pci-to-pcie",
  "switch behind a conventional bus": ({ kind, above }) =>
    kind === "switch-upstream" && above.some((bridge) => bridge.kind === "pci-to-pcie"),
  "conventional device": ({ kind }) => kind === "conventional",
  "integrated endpoint": ({ kind }) => kind === "integrated-endpoint",
  "port without ACS": (one, topology) => isPort(one, topology) && one.self.acs === null,
  "port with all of ACS": (one, topology) =>
    isPort(one, topology) && ((one.self.acs ?? 0) & ISOLATING_ACS) === ISOLATING_ACS,
  "port without source validation alone": lacks(Acs.sourceValidation),
  "port without request redirect alone": lacks(Acs.requestRedirect),
  "port without completion redirect alone": lacks(Acs.completionRedirect),
  "port without upstream forwarding alone": lacks(Acs.upstreamForwarding),
  "port with translation blocking": (one, topology) =>
    isPort(one, topology) && ((one.self.acs ?? 0) & Acs.translationBlocking) !== 0,
  "port with egress control": (one, topology) =>
    isPort(one, topology) && ((one.self.acs ?? 0) & Acs.egressControl) !== 0,
  "port with direct translated": (one, topology) =>
    isPort(one, topology) && ((one.self.acs ?? 0) & Acs.directTranslated) !== 0,
  "multifunction device without ACS": (one, topology) =>
    endpointOf(one) !== null &&
    isMulti(one, topology) &&
    one.self.acs === null &&
    one.kind !== "conventional",
  "multifunction device with ACS": (one, topology) =>
    endpointOf(one) !== null && isMulti(one, topology) && one.self.acs !== null,
  "function number above 7": ({ self }) => self.function > 7,
  "phantom functions": (one) => (endpointOf(one)?.phantomBits ?? 0) > 0,
  "stray function number": (one) => (endpointOf(one)?.alsoFunctions.length ?? 0) > 0,
  "virtual function": ({ physical }) => physical !== null,
  "virtual function on a further bus": ({ bus, physical }, topology) =>
    physical !== null && functionNamed(topology, physical)!.bus !== bus,
  "virtual functions off": (one) => endpointOf(one)?.sriov?.numVfs === 0,
  "hot-plug slot": ({ self }) => isBridge(self) && self.hotPlug,
  "empty port": ({ self }) => isBridge(self) && isDownstreamPort(self) && self.devices.length === 0,
};

/** The names of all features that there are. */
export const featureNames: readonly string[] = [
  ...Object.keys(FEATURES),
  "several segments",
  "several root buses",
];

/** The names of the features that a topology has. */
export function featuresOf(topology: Topology): string[] {
  const functions = locatedFunctions(topology);
  const found = Object.keys(FEATURES).filter((name) =>
    functions.some((one) => FEATURES[name]!(one, topology)),
  );
  if (topology.segments.length > 1) found.push("several segments");
  if (topology.segments.some(({ roots }) => roots.length > 1)) found.push("several root buses");
  return found;
}
