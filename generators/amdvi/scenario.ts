/** Scenarios for AMD-Vi units as data. */
import * as t from "io-ts";
import { name, nullable, oneOf, page, range } from "../codec.js";
import { PAGE_SIZES } from "../places.js";
import {
  commonSteps,
  corruptCodec,
  deviceCodec,
  domainCodec,
  fillWithOnesCodec,
  mapFields,
  retableCodec,
  startCodec,
  tableEntryCodec,
  timingCodec,
} from "../steps.js";

const MOST_LEVELS = 6;
/** Logarithm of the number of pages that a command is about: one page, or up to the whole address space. */
const orderCodec = range(0, 52);

const entryCodec = t.union(
  [t.strict({ structure: t.literal("device"), device: name }), tableEntryCodec(MOST_LEVELS)],
  "an entry of a known structure",
);

const targetCodec = t.union([
  t.strict({ command: t.literal("device"), device: name }),
  t.strict({
    command: t.literal("pages"),
    domain: name,
    iova: page,
    order: orderCodec,
    /** Page directory entries too (PDE). */
    tables: t.boolean,
  }),
  /** Where the platform has no such command: every device of the scenario and all pages of every domain. */
  t.strict({ command: t.literal("all") }),
  t.strict({ command: t.literal("interrupt-table"), device: name }),
  /** No invalidation: the unit may fetch what these pages are translated by. Left out where it is not supported. */
  t.strict({ command: t.literal("prefetch"), device: name, iova: page, order: orderCodec }),
]);

const stepCodec = t.union(
  [
    /**
     * Writes the device table entry of a device: the domain's tables, Mode 0 under the domain's id, V = 0 (nothing is
     * translated), or TV = 0 (nothing gets through).
     */
    t.strict({
      do: t.literal("attach"),
      device: name,
      domain: name,
      type: oneOf("translated", "identity", "untranslated", "blocked"),
      /** IR and IW of the entry. */
      access: oneOf("rw", "r", "w", "none"),
      /** Which page faults are not logged: none, all (SA), or those after the first (SE). */
      suppress: oneOf("none", "all", "repeated"),
      /** The device may use the exclusion range (EX). */
      exclusion: t.boolean,
      writeBack: t.boolean,
    }),
    t.strict({
      ...mapFields,
      size: oneOf(...PAGE_SIZES),
      /** Levels left out below the top table where it has no entry yet, as far as there are any to leave out. */
      skip: range(0, 4),
    }),
    retableCodec(MOST_LEVELS),
    corruptCodec(entryCodec),
    fillWithOnesCodec(MOST_LEVELS),
    ...commonSteps,
    /** Puts a command into the buffer; a `wait` tells when it has been carried out. */
    t.strict({ do: t.literal("invalidate"), target: targetCodec }),
    /** COMPLETION_WAIT, and the wait for its sign if there is one. */
    t.strict({ do: t.literal("wait"), sign: oneOf("store", "interrupt", "none"), flush: t.boolean }),
    /** An illegal command; software sees the buffer stop, puts a wait in its place and starts the buffer again. */
    t.strict({ do: t.literal("command-error"), error: oneOf("opcode", "reserved", "feature") }),
    /** Stops the command buffer, puts it where it is, and goes on at entry `at` of it. */
    t.strict({ do: t.literal("restart-commands"), at: range(0, 255) }),
    /** Points the unit at a device table: two are software's own, at the third place no memory is. */
    t.strict({ do: t.literal("set-device-table"), table: oneOf("A", "B", "absent"), pages: range(1, 5) }),
    t.strict({ do: t.literal("translation"), enable: t.boolean }),
    /** Reads the event log, and starts it anew if `clear`. */
    t.strict({ do: t.literal("read-events"), clear: t.boolean }),
    /** Events are logged, or not; with `interrupt` EventLogInt tells of them. */
    t.strict({ do: t.literal("log-events"), enable: t.boolean, interrupt: t.boolean }),
    /** Starts the event log anew, with the head pointer where it leaves room for so many events. */
    t.strict({ do: t.literal("fill-event-log"), free: range(0, 3) }),
  ],
  "a step of a known kind",
);

export const amdViScenarioCodec = t.strict({
  format: t.literal("iommu-spec scenario 1"),
  architecture: t.literal("amdvi"),
  profile: t.string,
  start: startCodec,
  /** Pages that requests reach untranslated; programmed before the unit is enabled, so only where a run starts at reset. */
  exclusion: nullable(
    t.strict({
      base: page,
      limit: page,
      /** Every device may use it, whatever its entry says. */
      allow: t.boolean,
    }),
  ),
  timing: timingCodec,
  devices: t.array(deviceCodec),
  domains: t.array(domainCodec(1, MOST_LEVELS)),
  steps: t.array(stepCodec, "a list of steps"),
});

export type AmdViStep = t.TypeOf<typeof stepCodec>;
export type AmdViScenario = t.TypeOf<typeof amdViScenarioCodec>;
export type CommandTarget = t.TypeOf<typeof targetCodec>;
export type EntryName = t.TypeOf<typeof entryCodec>;
