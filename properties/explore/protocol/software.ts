/** The software of the map, unmap, flush and free protocol: the drivers' own entries and queues, one act at a time. */

import { CommandBuffer } from "../../../implementations/driver/amdvi/command-buffer.js";
import { intentPartsOf as amdViParts } from "../../../implementations/driver/amdvi/driver.js";
import { Encodings as AmdViEncodings } from "../../../implementations/driver/amdvi/encodings.js";
import type { DriverSetup, Routine } from "../../../implementations/driver/interface.js";
import type { InvalidationInterface } from "../../../implementations/driver/shared/flusher.js";
import type { DriverParts } from "../../../implementations/driver/shared/intent-driver.js";
import type { PageTables } from "../../../implementations/driver/shared/page-tables.js";
import type { Steps } from "../../../implementations/driver/shared/steps.js";
import { takeOver } from "../../../implementations/driver/vtd/boot.js";
import { interfacesOf, intentPartsOf as vtdParts } from "../../../implementations/driver/vtd/driver.js";
import { Encodings as VtdEncodings } from "../../../implementations/driver/vtd/encodings.js";
import { VtdFlusher } from "../../../implementations/driver/vtd/invalidation.js";
import { amdViProfile } from "../../../model/amdvi/profile.js";
import { vtdProfile } from "../../../model/vtd/profile.js";

/** What the steps of the protocol are made of. */
export interface ProtocolSoftware {
  start(): Routine;
  /** A domain with an empty table. */
  newDomain(): Steps<PageTables>;
  /** Requests of a function without a domain are translated by the domain's tables from now on. */
  attach(requester: number, domain: PageTables): Routine;
  /** Everything cached of the domain's tables is to be invalidated. */
  submitFlush(domain: PageTables): Routine;
  /** Waits until what was submitted last is complete. */
  awaitFlush(): Routine;
}

function softwareOf<Domain extends PageTables, Invalidation>(
  { start, memory, domainIds, newDomain, devices, flusher }: DriverParts<Domain, Invalidation>,
  ring: InvalidationInterface<Invalidation>,
): ProtocolSoftware {
  const made = new Map<PageTables, Domain>();
  return {
    start,
    *newDomain() {
      const page = yield* memory.allocateTable();
      yield* memory.clearTable(page);
      const domain = newDomain(domainIds.allocate(), page);
      made.set(domain, domain);
      return domain;
    },
    attach: (requester, domain) => devices.fill([requester], made.get(domain)!),
    submitFlush: ({ domainId }) => ring.submit([flusher.forDomain(domainId)]),
    awaitFlush: () => ring.wait(),
  };
}

/** Protocol software for the platform of a setup. */
export function protocolSoftware(setup: DriverSetup): ProtocolSoftware {
  const { profile, rootPage, queuePage, statusPage } = setup;
  if (profile.architecture === "amdvi") {
    const encodings = new AmdViEncodings(amdViProfile(profile), {});
    const ring = new CommandBuffer(encodings, {}, queuePage, statusPage);
    return softwareOf(
      amdViParts(setup, ring, encodings, {}, () => ring.takeOver()),
      ring,
    );
  }
  const { unit, queue } = interfacesOf(setup, new VtdEncodings(vtdProfile(profile), {}), {});
  const flusher = new VtdFlusher(unit, queue);
  return softwareOf(
    vtdParts(unit, flusher, rootPage, () => takeOver(unit, queue, true)),
    queue,
  );
}
