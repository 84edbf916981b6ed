/** Fields of the extended feature registers, written out from AMD's figures of MMIO 0030h and 01A0h. */
import { describe, expect, it } from "vitest";
import type { Layout } from "../words/layout.js";
import { extendedFeature2Layout, extendedFeatureLayout } from "./capabilities.js";

/** `field bits`, lowest field first, fields without meaning left out. */
function fieldsOf(layout: Layout): string[] {
  const named = layout.fields.filter((one) => one.kind !== "ignored").sort((a, b) => a.low - b.low);
  return named.map(({ name, high, low }) => `${name} ${high === low ? low : `${high}:${low}`}`);
}

describe("extended features", () => {
  it("of MMIO 0030h", () => {
    expect(fieldsOf(extendedFeatureLayout)).toEqual([
      ...["PreFSup 0", "PPRSup 1", "XTSup 2", "NXSup 3", "GTSup 4", "GAPPISup 5", "IASup 6", "GASup 7"],
      ...["HESup 8", "PCSup 9", "HATS 11:10", "GATS 13:12", "GLXSup 15:14", "SmiFSup 17:16"],
      ...["SmiFRC 20:18", "GAMSup 23:21", "DualPPRLogSup 25:24", "DualEventLogSup 29:28", "SATSSup 31"],
      ...["PASmax 36:32", "USSup 37", "DevTblSegSup 39:38", "PPROvrflwEarlySup 40", "PPRAutoRspSup 41"],
      ...["MarcSup 43:42", "BlkStopMrkSup 44", "PerfOptSup 45", "MsiCapMmioSup 46", "SnoopAttrSup 47"],
      ...["GIoSup 48", "HASup 49", "EPHSup 50", "AttrFWSup 51", "HDSup 52", "GDUpdateDisSup 53"],
      ...["InvIotlbTypeSup 54", "vIommuSup 55", "VmGuardIoSup 56", "VmTableSize 60:57"],
      ...["GAUpdateDisSup 61", "ForcePhyDestSup 62", "SNPSup 63"],
    ]);
  });

  it("of MMIO 01A0h", () => {
    expect(fieldsOf(extendedFeature2Layout)).toEqual([
      ...["CXLIoSup 0", "SEVSNPIOSup 1", "TMPMSup 2", "GCR3TRPModeSup 3", "GAPPIDisSup 4"],
      ...["SNPAVICSup 7:5", "NumIntRemapSup 9:8", "HTRangeIgnore 11"],
    ]);
  });
});
