/** Traces of AMD-Vi software: device table entries, host page tables, commands, and the steps that only AMD-Vi has. */
import { amdViProfile, platformOf } from "../../../model/amdvi/profile.js";
import { Commands } from "../../amdvi/commands.js";
import { amdViPlaces } from "../../places.js";
import type { Dialect } from "../notation-dialect.js";
import { deviceTableEntries, hostPageTables } from "./entries.js";
import { AmdViInvalidations } from "./invalidations.js";

const { roots, rootPages } = amdViPlaces;
const [DEVICE_TABLE] = roots;
const LEVELS = [3, 1, 2, 4, 5, 6];

export const amdViDialect: Dialect = {
  places: amdViPlaces,
  pageTables: hostPageTables,
  deviceEntries: deviceTableEntries,
  firstTables: Array.from({ length: rootPages }, (_, index) => DEVICE_TABLE + index),
  interfacesOf: () => ["queue"],
  levelsOf(profile) {
    const { hostLevels } = platformOf(amdViProfile(profile));
    return LEVELS.filter((one) => one <= hostLevels);
  },
  begin({ profile, translating, actions, names }) {
    const platform = platformOf(amdViProfile(profile));
    const commands = new Commands();
    const invalidations = new AmdViInvalidations(commands, actions, platform, names);
    commands.reset(actions, platform, translating, null);
    return {
      flush: (line) => invalidations.flush(line),
      wait: (line) => invalidations.wait(line),
      "submit-wait": (line) => invalidations.submitWait(line),
      see: (line) => invalidations.see(line),
      "set-table": () => commands.setDeviceTable(DEVICE_TABLE, rootPages),
      translation: (line) => commands.translation(line.oneOf(["on", "off"]) === "on"),
    };
  },
};
