/** The rules of legacy-mode translation: one for each fault condition of table 7.1.3 (names in the table's notation). */
import type { FaultRule } from "../windows/walk.js";

/** A check whose failure blocks the request with a fault reason; suppressible ones are those the table calls qualified. */
export interface VtdFaultRule extends FaultRule {
  /** The reason code a fault record carries. */
  readonly reason: number;
  /** Name of the condition in the specification's table of fault reasons. */
  readonly condition: string;
}

function fault(
  id: string,
  condition: string,
  reason: number,
  qualified: "qualified" | "unqualified",
  section: string,
  statement: string,
): VtdFaultRule {
  return {
    id: `vtd.${id}`,
    condition,
    reason,
    suppressible: qualified === "qualified",
    section: `VT-d ${section}`,
    statement,
  };
}

export const faultRules = {
  rootFetch: fault("root.fetch", "LRT.1", 0x8, "unqualified", "7.1.3", "The root entry can be read"),
  rootPresent: fault("root.present", "LRT.2", 0x1, "unqualified", "9.1", "The root entry is present"),
  rootReserved: fault(
    "root.reserved-bits",
    "LRT.3",
    0xa,
    "unqualified",
    "9.1",
    "Reserved bits of the root entry are zero",
  ),
  contextFetch: fault("context.fetch", "LCT.1", 0x9, "unqualified", "7.1.3", "The context entry can be read"),
  contextPresent: fault("context.present", "LCT.2", 0x2, "qualified", "9.3", "The context entry is present"),
  contextReserved: fault(
    "context.reserved-bits",
    "LCT.3",
    0xb,
    "qualified",
    "9.3",
    "Reserved bits of the context entry are zero",
  ),
  contextAddressWidth: fault(
    "context.address-width",
    "LCT.4.1",
    0x3,
    "qualified",
    "9.3",
    "AW is a width the unit supports",
  ),
  contextTranslationType: fault(
    "context.translation-type",
    "LCT.4.2",
    0x3,
    "qualified",
    "9.3",
    "TT is a translation type the unit supports",
  ),
  firstTableFetch: fault(
    "second-stage.first-fetch",
    "LCT.4.3",
    0x3,
    "qualified",
    "7.1.3",
    "The first second-stage entry can be read through SSPTPTR",
  ),
  tableFetch: fault(
    "second-stage.fetch",
    "LSS.1",
    0x7,
    "qualified",
    "7.1.3",
    "Every deeper second-stage entry can be read",
  ),
  secondStageReserved: fault(
    "second-stage.reserved-bits",
    "LSS.2",
    0xc,
    "qualified",
    "9.8",
    "Reserved bits of a present second-stage entry are zero",
  ),
  addressBeyondWidth: fault(
    "address.beyond-width",
    "LGN.1.1",
    0x4,
    "qualified",
    "11.4.2",
    "The address is below 2^min(MGAW, AW)",
  ),
  passThroughBeyondWidth: fault(
    "address.pass-through-beyond-width",
    "LGN.1.3",
    0x4,
    "qualified",
    "3.9",
    "A pass-through address is below 2^HAW",
  ),
  writePermission: fault(
    "second-stage.write-permission",
    "LGN.2",
    0x5,
    "qualified",
    "3.7.1",
    "A write or AtomicOp needs W = 1 at every level",
  ),
  readPermission: fault(
    "second-stage.read-permission",
    "LGN.3",
    0x6,
    "qualified",
    "3.7.1",
    "A read or AtomicOp needs R = 1 at every level; a zero-length read of a write-only page does not if CAP.ZLR = 1",
  ),
  outputInInterruptRange: fault(
    "address.output-in-interrupt-range",
    "LGN.4",
    0xe,
    "qualified",
    "3.15",
    "A translation does not lead into FEEx_xxxxh",
  ),
  interruptRangeAccess: fault(
    "interrupt-range.access",
    "29h",
    0x29,
    "unqualified",
    "5.1.4.1",
    "Without PASID only DWORD writes and zero-length reads go to FEEx_xxxxh",
  ),
} as const satisfies Record<string, VtdFaultRule>;

/** Blocks requests without a fault: it is not recorded, so there is no reason for it. */
export const protectedMemory: VtdFaultRule = fault(
  "protected-memory",
  "none",
  0,
  "unqualified",
  "11.4.8.1",
  "No request reaches memory that is protected",
);
