/**
 * The ids of rules are what deviation lists, reports and other programs refer to: they are listed here once more, so that
 * none changes or goes unnoticed. Who adds a rule adds its id.
 */
import { describe, expect, it } from "vitest";
import { amdViRules } from "./amdvi/behaviour-rules.js";
import { vtdRules } from "./vtd/behaviour-rules.js";

const VTD = `
root.fetch root.present root.reserved-bits context.fetch context.present context.reserved-bits context.address-width
context.translation-type second-stage.first-fetch second-stage.fetch second-stage.reserved-bits address.beyond-width
address.pass-through-beyond-width second-stage.write-permission second-stage.read-permission
address.output-in-interrupt-range interrupt-range.access protected-memory served.translated served.from-cache
served.pass-through served.untranslated served.interrupt served.interrupt-range-read served.zero-length-read
faults.record faults.processing-disable faults.collapse faults.overflow faults.dropped-while-overflow faults.clear
registers.set-root-pointer registers.translation-enable registers.write-buffer-flush registers.queue-enable
registers.context-command registers.iotlb-command registers.invalidation-unsupported registers.protected-memory
registers.fault-event registers.completion-event registers.values invalidation.context-global invalidation.context-domain invalidation.context-device
invalidation.iotlb-global invalidation.iotlb-domain invalidation.iotlb-page invalidation.hint invalidation.drain-writes
queue.wait-status-write queue.wait-interrupt queue.wait-fence queue.wait-order queue.stops-at-error queue.head
queue.descriptor-type queue.reserved-bits queue.granularity`;

const AMDVI = `
dte.out-of-table dte.fetch dte.reserved-bits dte.io-control-illegal dte.translation-valid
dte.host-accessed-dirty-illegal dte.mode-illegal dte.guest-levels-illegal dte.permission page-table.address-width
page-table.fetch page-table.present page-table.reserved-bits page-table.permission page-table.level-illegal
page-table.skipped-bits page-table.page-size request.interrupt-range request.port-io request.system-management
request.reserved-interrupt-range served.translated served.from-cache served.pass-through served.untranslated
served.interrupt served.zero-length-read invalidation.drain-writes events.record events.contents events.suppress-all
events.suppress-further events.overflow events.dropped-while-overflow events.disabled events.start events.clear
registers.iommu-enable registers.device-table-base registers.command-buffer registers.status registers.values
invalidation.devtab-entry invalidation.iommu-pages invalidation.page-directories invalidation.iommu-all
commands.wait-store commands.wait-interrupt commands.wait-flush commands.wait-order commands.head commands.halt
commands.restart commands.opcode commands.unsupported commands.reserved-bits`;

describe.each([
  ["vtd", VTD, vtdRules],
  ["amdvi", AMDVI, amdViRules],
] as const)("rules of %s", (architecture, ids, rules) => {
  it("have the ids that they always had", () => {
    const listed = ids.trim().split(/\s+/);
    expect(rules.map((one) => one.id)).toEqual(listed.map((id) => `${architecture}.${id}`));
  });
});
