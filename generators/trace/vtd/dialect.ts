/** Traces of VT-d software: root and context entries, second-stage entries, and the steps that only VT-d has. */
import { Right } from "../../../model/isolation/events.js";
import type { Profile } from "../../../model/profile.js";
import type { Word } from "../../../model/trace.js";
import { type Platform, platformOf, vtdProfile } from "../../../model/vtd/profile.js";
import {
  contextEntryLayout,
  rootEntryLayout,
  secondStageLayout,
  TranslationType,
} from "../../../model/vtd/tables.js";
import { pageOf } from "../../../model/vtd/walk.js";
import { encoderOf } from "../../../model/words/layout.js";
import { vtdPlaces } from "../../places.js";
import type { Place } from "../../software.js";
import { Commands } from "../../vtd/commands.js";
import { tableEntry } from "../../vtd/software.js";
import type {
  DeviceEntryFormat,
  DeviceTables,
  Dialect,
  PageTableFormat,
  StepContext,
  Verbs,
} from "../notation-dialect.js";
import type { Line } from "../notation-line.js";
import { takeDomain, takeRun } from "../notation-words.js";
import { VtdInvalidations } from "./invalidations.js";

const ROOT_PAGE = vtdPlaces.roots[0]!;
/** Highest level whose entries map pages. */
const HIGHEST_LEAF = 3;
const PAGE_SIZE = 0x80;

const encodeRoot = encoderOf(rootEntryLayout, ["P", "CTP"]);
const encodeContext = encoderOf(contextEntryLayout, ["P", "TT", "SSPTPTR", "AW", "DID"]);
const encodePage = encoderOf(secondStageLayout(1, true), ["R", "W", "ADDR"]);
const encodeSuperpage = [2, 3].map((level) =>
  encoderOf(secondStageLayout(level, true), ["R", "W", "PS", "ADDR"]),
);

const secondStage: PageTableFormat = {
  leaf(level, page, rights) {
    const [R, W] = [rights & Right.read, rights >>> 1];
    if (level === 1) return encodePage({ R, W, ADDR: page })[0]!;
    const encode = encodeSuperpage[level - 2];
    return encode ? encode({ R, W, PS: 1, ADDR: Math.floor(page / 512 ** (level - 1)) })[0]! : null;
  },
  link: (level, _, page) => tableEntry(level, page),
  linked(level, { low, high }) {
    const mapsPages = level <= HIGHEST_LEAF && (low & PAGE_SIZE) !== 0;
    return mapsPages ? null : { page: pageOf(low, high), level: level - 1 };
  },
  isPresent: ({ low }: Word) => (low & 3) !== 0,
  takeLargePage: () => null,
  takeNextLevel: (_, level) => level - 1,
};

const contextEntries: DeviceEntryFormat = {
  keyword: "ctx",
  placeOf(requester: number, tables: DeviceTables): Place {
    const root = { page: ROOT_PAGE, word: (requester >>> 8) * 2 };
    const word = (requester & 0xff) * 2;
    const { low, high } = tables.wordAt(root);
    if (low & 1) return { page: pageOf(low, high), word };
    const page = tables.allocate();
    const [first, second] = encodeRoot({ P: 1, CTP: page });
    tables.store({ page: root.page, word: root.word + 1 }, second!);
    tables.store(root, first!);
    return { page, word };
  },
  take(line, names) {
    const passes = line.takeIf(/^pass$/) !== null;
    const domain = names.domain(takeDomain(line));
    const [low, high] = encodeContext({
      P: 1,
      TT: passes ? TranslationType.passThrough : TranslationType.untranslatedOnly,
      SSPTPTR: passes ? 0 : domain.top(),
      AW: domain.levels - 2,
      DID: domain.id,
    });
    return [low!, high!];
  },
  isInUse: ({ low }) => (low & 1) !== 0,
};

/** Memory is protected by the registers of a region, or not any more. */
function protectMemory(commands: Commands, platform: Platform, line: Line): void {
  const region = line.oneOf(["low", "high", "off"]);
  const run = region === "off" ? null : takeRun(line);
  const isSeen = line.takeIf(/^unseen$/) === null;
  if (region === "off" || !run) {
    commands.releaseMemory(isSeen);
    return;
  }
  const pages = 2 ** (platform.protectedMemoryAlignment - 12);
  if (run.page % pages !== 0 || run.pages % pages !== 0)
    line.reject(`memory is protected in blocks of ${pages} pages`);
  commands.protectMemory(region, run.page, run.pages / pages, isSeen);
}

export const vtdDialect: Dialect = {
  places: vtdPlaces,
  pageTables: secondStage,
  deviceEntries: contextEntries,
  firstTables: [ROOT_PAGE],
  interfacesOf(profile: Profile) {
    const { queuedInvalidation, registerInvalidation } = platformOf(vtdProfile(profile));
    return [
      queuedInvalidation ? (["queue"] as const) : [],
      registerInvalidation ? (["registers"] as const) : [],
    ].flat();
  },
  levelsOf(profile: Profile) {
    const { supportedLevels } = platformOf(vtdProfile(profile));
    const fewest = 31 - Math.clz32(supportedLevels & -supportedLevels);
    return [fewest, ...[3, 4, 5].filter((one) => one !== fewest)];
  },
  begin({ profile, usesQueue, translating, actions, names }: StepContext): Verbs {
    const platform = platformOf(vtdProfile(profile));
    const commands = new Commands(false);
    const invalidations = new VtdInvalidations(commands, actions, platform, usesQueue, names);
    commands.reset(actions, platform, usesQueue, translating);
    return {
      wbf: () => commands.flushWriteBuffer(),
      flush: (line) => invalidations.flush(line),
      wait: () => invalidations.wait(),
      "submit-wait": (line) => invalidations.submitWait(line),
      see: (line) => invalidations.see(line),
      "set-root": () => commands.setRoot(ROOT_PAGE, true),
      pmr: (line) => protectMemory(commands, platform, line),
      translation: (line) => commands.translation(line.oneOf(["on", "off"]) === "on", true),
    };
  },
};
