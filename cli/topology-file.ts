/** Machines from files: dumps of configuration space, or saved scenarios. */
import { readFileSync } from "node:fs";
import { enumerated } from "../model/pci/configuration-space.js";
import { LspciError, parseLspci } from "../model/pci/lspci.js";
import type { FirmwarePlatform } from "../model/pci/platform.js";
import { scenarioMachine } from "../reports/scenario-machine.js";
import { UsageError } from "./errors.js";
import { load } from "./replay.js";

/** A machine, as far as its file tells. */
export interface OpenedMachine {
  readonly machine: Pick<FirmwarePlatform, "topology"> & Partial<FirmwarePlatform>;
  /** What the file does not tell, as sentences. */
  readonly gaps: readonly string[];
}

/**
 * The machine of a saved scenario (`.json`), or of the output of `lspci -xxxx`.
 * @throws UsageError when the file is neither
 */
export function openMachine(file: string): OpenedMachine {
  if (file.endsWith(".json")) return { machine: scenarioMachine(load(file).scenario), gaps: [] };
  try {
    const { topology, gaps } = enumerated(parseLspci(readFileSync(file, "latin1")));
    return { machine: { topology }, gaps };
  } catch (error) {
    if (error instanceof LspciError) throw new UsageError(`${file}: ${error.message}`);
    throw error;
  }
}
