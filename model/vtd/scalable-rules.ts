/** Rules of scalable mode and of interrupt remapping that single entries can break (VT-d 5.1.4.1, 7.1.3). */
import type { VtdFaultRule } from "./rules.js";

/** All of them are qualified but the one of the root entry. */
function fault(
  id: string,
  condition: string,
  reason: number,
  section: string,
  statement: string,
): VtdFaultRule {
  return {
    id: `vtd.${id}`,
    condition,
    reason,
    suppressible: condition !== "SRT.3",
    section: `VT-d ${section}`,
    statement,
  };
}

export const scalableRules = {
  rootReserved: fault(
    "scalable-root.reserved-bits",
    "SRT.3",
    0x3a,
    "9.2",
    "Reserved bits of a present half of the scalable-mode root entry are zero",
  ),
  contextReserved: fault(
    "scalable-context.reserved-bits",
    "SCT.3",
    0x42,
    "9.4",
    "Reserved bits of a scalable-mode context entry are zero",
  ),
  pageRequests: fault("scalable-context.page-requests", "SCT.4.1", 0x43, "9.4", "PRE = 1 needs DTE = 1"),
  requestPasid: fault(
    "scalable-context.rid-pasid",
    "SCT.4.2",
    0x43,
    "9.4",
    "RID_PASID is within the PASID directory",
  ),
  translatedPasid: fault(
    "scalable-context.translated-pasid",
    "SCT.4.3",
    0x43,
    "9.4",
    "EPTR = 1 needs PASIDE = 1",
  ),
  directoryReserved: fault(
    "pasid-directory.reserved-bits",
    "SPD.3",
    0x52,
    "9.5",
    "Reserved bits of a PASID directory entry are zero",
  ),
  entryReserved: fault(
    "pasid-entry.reserved-bits",
    "SPT.3",
    0x5a,
    "9.6",
    "Reserved bits of a PASID table entry are zero",
  ),
  addressWidth: fault("pasid-entry.address-width", "SPT.4.1", 0x5b, "9.6", "AW is a width the unit supports"),
  translationType: fault(
    "pasid-entry.translation-type",
    "SPT.4.2",
    0x5b,
    "9.6",
    "PGTT is a translation type the unit supports",
  ),
  pagingMode: fault(
    "pasid-entry.paging-mode",
    "SPT.4.3",
    0x5b,
    "9.6",
    "FSPM is a paging mode the unit supports",
  ),
  firstStagePointer: fault(
    "pasid-entry.first-stage-pointer",
    "SPT.4.4",
    0x5b,
    "9.6",
    "With nested translation FSPTPTR is within the second stage",
  ),
  firstStageReserved: fault(
    "first-stage.reserved-bits",
    "SFS.3",
    0x72,
    "9.7",
    "Reserved bits of a present first-stage entry are zero",
  ),
  interruptReserved: fault(
    "interrupt-entry.reserved-bits",
    "24h",
    0x24,
    "9.9",
    "Reserved bits of an interrupt remapping entry are zero",
  ),
  interruptEncoding: fault(
    "interrupt-entry.encodings",
    "24h",
    0x24,
    "9.9",
    "DLM and SVT of an interrupt remapping entry are no reserved encodings",
  ),
  permissionReserved: fault(
    "permission-table.reserved-bits",
    "A1h",
    0xa1,
    "9.12",
    "Reserved bits of a host permission table entry are zero",
  ),
  postedReserved: fault(
    "posted-descriptor.reserved-bits",
    "28h",
    0x28,
    "9.11",
    "Reserved bits of a posted-interrupt descriptor are zero",
  ),
} as const satisfies Record<string, VtdFaultRule>;
