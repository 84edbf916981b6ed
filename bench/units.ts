/** The platforms whose translations are measured, one of each architecture: tables of four levels, and what reads them. */
import { removalRules as amdViRemoval } from "../implementations/iommu/reference/amdvi/removal.js";
import { AmdViTranslator } from "../implementations/iommu/reference/amdvi/translator.js";
import { Caches } from "../implementations/iommu/reference/caches.js";
import type { Temperament } from "../implementations/iommu/reference/temperament.js";
import { removalRules as vtdRemoval } from "../implementations/iommu/reference/vtd/removal.js";
import { CachingTranslator } from "../implementations/iommu/reference/vtd/translator.js";
import { platformOf } from "../model/amdvi/profile.js";
import { profileNamed as amdViProfileNamed } from "../model/amdvi/profiles.js";
import { deviceTableEntryAt, deviceTableEntryLayout, pdeLayout, pteLayout } from "../model/amdvi/tables.js";
import { AmdViUnit } from "../model/amdvi/unit.js";
import type { ArchitectureId } from "../model/profile.js";
import type { Request } from "../model/trace.js";
import { profileNamed as vtdProfileNamed } from "../model/vtd/profiles.js";
import { contextEntryLayout, rootEntryLayout, secondStageLayout } from "../model/vtd/tables.js";
import { VtdUnit } from "../model/vtd/unit.js";
import { walkPlatformOf } from "../model/vtd/walk.js";
import type { Unit } from "../model/windows/unit.js";
import type { Translation } from "../model/windows/walk.js";
import { Chance } from "../model/words/chance.js";
import { encoderOf } from "../model/words/layout.js";
import type { PhysicalMemory } from "../model/words/memory.js";
import { DOMAIN, type Entries, LEVELS, REQUESTER, ROOT_PAGE, SECOND_PAGE } from "./tables.js";

/** Answers requests as the reference does. */
export interface Translator {
  readonly translation: Translation;
  request(request: Request): void;
}

export interface BenchUnit {
  readonly unit: Unit;
  /** What is in force as the pointer to the first structure. */
  readonly pointer: number;
  readonly entries: Entries;
  translator(memory: PhysicalMemory, temperament: Temperament): Translator;
}

function seeded(): Chance {
  const chance = new Chance();
  chance.seed(1);
  return chance;
}

function vtd(): BenchUnit {
  const platform = walkPlatformOf(vtdProfileNamed("sapphire-rapids"));
  const encodeRoot = encoderOf(rootEntryLayout, ["P", "CTP"]);
  const encodeContext = encoderOf(contextEntryLayout, ["P", "SSPTPTR", "AW", "DID"]);
  const encodeTable = encoderOf(secondStageLayout(2, false), ["R", "W", "ADDR"]);
  const encodePage = encoderOf(secondStageLayout(1, true), ["R", "W", "ADDR"]);
  return {
    unit: new VtdUnit(platform),
    pointer: ROOT_PAGE,
    entries: {
      link: (_, page) => encodeTable({ R: 1, W: 1, ADDR: page })[0]!,
      leaf: (page) => encodePage({ R: 1, W: 1, ADDR: page })[0]!,
      device: (top) => [
        { page: ROOT_PAGE, word: (REQUESTER >>> 8) * 2, words: encodeRoot({ P: 1, CTP: SECOND_PAGE }) },
        {
          page: SECOND_PAGE,
          word: (REQUESTER & 0xff) * 2,
          words: encodeContext({ P: 1, SSPTPTR: top, AW: LEVELS - 2, DID: DOMAIN }),
        },
      ],
    },
    translator(memory, temperament) {
      const chance = seeded();
      const caches = new Caches(chance, vtdRemoval);
      const translator = new CachingTranslator(platform, memory, caches, chance, null);
      translator.reset(temperament, true, ROOT_PAGE);
      return translator;
    },
  };
}

function amdvi(): BenchUnit {
  const platform = platformOf(amdViProfileNamed("raphael"));
  const encodeDevice = encoderOf(deviceTableEntryLayout, [
    "V",
    "TV",
    "Mode",
    "HostPTRoot",
    "IR",
    "IW",
    "DomainID",
  ]);
  const encodeTable = encoderOf(pdeLayout, ["PR", "NextLevel", "Address", "IR", "IW"]);
  const encodePage = encoderOf(pteLayout, ["PR", "NextLevel", "Address", "IR", "IW"]);
  const at = deviceTableEntryAt(REQUESTER);
  const device = { V: 1, TV: 1, Mode: LEVELS, IR: 1, IW: 1, DomainID: DOMAIN };
  const pointer = ROOT_PAGE * 512;
  return {
    unit: new AmdViUnit(platform),
    pointer,
    entries: {
      link: (level, page) => encodeTable({ PR: 1, NextLevel: level - 1, Address: page, IR: 1, IW: 1 })[0]!,
      leaf: (page) => encodePage({ PR: 1, NextLevel: 0, Address: page, IR: 1, IW: 1 })[0]!,
      device: (top) => [
        {
          page: ROOT_PAGE + at.page,
          word: at.word,
          words: encodeDevice({ ...device, HostPTRoot: top }).slice(0, 2),
        },
      ],
    },
    translator(memory, temperament) {
      const chance = seeded();
      const caches = new Caches(chance, amdViRemoval);
      const translator = new AmdViTranslator(platform, memory, caches, chance, null);
      translator.reset(temperament);
      translator.enabled = true;
      translator.deviceTable = pointer;
      return translator;
    },
  };
}

const units: Readonly<Record<ArchitectureId, () => BenchUnit>> = { vtd, amdvi };

/** What is measured of an architecture. */
export function benchUnit(architecture: ArchitectureId): BenchUnit {
  return units[architecture]();
}
