/** The machine that a scenario runs on, whatever its kind. */
import type { FirmwarePlatform } from "../model/pci/platform.js";
import type { Endpoint, RootBus } from "../model/pci/topology.js";
import type { RequesterId } from "../model/words/address.js";
import type { AnyScenario } from "../properties/subject.js";
import { isForDriver, isForPlatform } from "./steps.js";

interface Requester {
  readonly name: string;
  readonly requester: RequesterId;
}

/** Functions at their addresses; scenarios that name no bridges have them on buses that nothing leads to. */
export function scenarioMachine(
  scenario: AnyScenario,
): Pick<FirmwarePlatform, "topology"> & Partial<FirmwarePlatform> {
  if (isForPlatform(scenario)) return scenario.platform;
  const requesters: Requester[] = isForDriver(scenario)
    ? scenario.devices.flatMap(({ name, requesters }) =>
        requesters.map((requester, index) => ({ name: index === 0 ? name : `${name} (alias)`, requester })),
      )
    : [...scenario.devices];
  const buses = numbers(requesters, ({ requester }) => requester >>> 8);
  return { topology: { segments: [{ segment: 0, roots: buses.map((bus) => rootBus(bus, requesters)) }] } };
}

function rootBus(bus: number, requesters: readonly Requester[]): RootBus {
  const here = requesters.filter((one) => one.requester >>> 8 === bus);
  const devices = numbers(here, ({ requester }) => (requester >>> 3) & 31);
  return {
    bus,
    devices: devices.map((device) => ({
      device,
      functions: here
        .filter((one) => ((one.requester >>> 3) & 31) === device)
        .sort((one, other) => one.requester - other.requester)
        .map(endpoint),
    })),
  };
}

function endpoint({ name, requester }: Requester): Endpoint {
  const common = { acs: null, phantomBits: 0, sriov: null, alsoFunctions: [] } as const;
  return { name, function: requester & 7, kind: "endpoint", ...common };
}

/** What `of` says of each, once, in ascending order. */
function numbers(requesters: readonly Requester[], of: (one: Requester) => number): number[] {
  return [...new Set(requesters.map(of))].sort((one, other) => one - other);
}
