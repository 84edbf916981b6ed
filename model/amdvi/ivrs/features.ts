/** What flags and the feature field of an IVHD say, from the extended feature register (AMD-Vi 5.2.2.1, MMIO 0030h). */
import { readField } from "../../words/layout.js";
import { extendedFeatureLayout } from "../capabilities.js";

/** Fields of an IVHD, by the fields of the register that they repeat. */
const FLAGS = { preFSup: "PreFSup", pprSup: "PPRSup" } as const;

const FEATURES = {
  xtSup: "XTSup",
  nxSup: "NXSup",
  gtSup: "GTSup",
  glxSup: "GLXSup",
  iaSup: "IASup",
  gaSup: "GASup",
  heSup: "HESup",
  pasMax: "PASmax",
  gats: "GATS",
  hats: "HATS",
} as const;

function fieldsOf<Name extends string>(
  names: Readonly<Record<Name, string>>,
  efr: bigint,
): Record<Name, number> {
  const words = [{ low: Number(efr & 0xffffffffn), high: Number(efr >> 32n) }];
  const fields: Partial<Record<Name, number>> = {};
  for (const name in names) fields[name] = readField(extendedFeatureLayout, names[name], words);
  return fields as Record<Name, number>;
}

/** The flags of an IVHD that the register tells. */
export function flagsOf(efr: bigint): Record<keyof typeof FLAGS, number> {
  return fieldsOf(FLAGS, efr);
}

/** The part of the feature field of an IVHD of type 10h that the register tells. */
export function featuresOf(efr: bigint): Record<keyof typeof FEATURES, number> {
  return fieldsOf(FEATURES, efr);
}
