/** The steps that scenarios of every architecture have, as codecs. */
import * as t from "io-ts";
import { accessCodec, name, oneOf, page, range } from "./codec.js";
import type { PageSize } from "./places.js";

/** Most levels that the tables of any architecture have. */
const MOST_LEVELS = 6;

/** What steps say of every change of a table: its lines are written back at once, or left in the CPU's cache. */
const writeBack = t.boolean;

/** What a `map` step says, its size apart: maps one page, building the tables on the way where they are missing. */
export const mapFields = {
  do: t.literal("map"),
  mapping: name,
  domain: name,
  iova: page,
  page,
  access: accessCodec,
  writeBack,
};

/** The entry of a level for an address of a domain. */
export function tableEntryCodec(levels: number) {
  return t.strict({ structure: t.literal("table"), domain: name, iova: page, level: range(1, levels) });
}

/** Points the entry of a level at a spare table instead of the one below it. */
export function retableCodec(levels: number) {
  return t.strict({
    do: t.literal("retable"),
    domain: name,
    iova: page,
    level: range(2, levels),
    spare: range(0, 2),
    writeBack,
  });
}

/** Sets one bit of an entry to a value: what broken or hostile software may do. */
export function corruptCodec<Entry extends t.Mixed>(entry: Entry) {
  return t.strict({ do: t.literal("corrupt"), entry, bit: range(0, 127), value: range(0, 1), writeBack });
}

/** Every bit of the entry of a table becomes 1, as where memory does not answer. */
export function fillWithOnesCodec(levels: number) {
  return t.strict({ do: t.literal("fill-with-ones"), entry: tableEntryCodec(levels), writeBack });
}

/** Steps that are the same for all. */
export const commonSteps = [
  /** Takes a device from its domain: its requests are blocked from then on. */
  t.strict({ do: t.literal("detach"), device: name, writeBack }),
  t.strict({ do: t.literal("unmap"), mapping: name, writeBack }),
  t.strict({ do: t.literal("protect"), mapping: name, access: accessCodec, writeBack }),
  /** Writes back every line that is still dirty, and the write buffer where the platform has one. */
  t.strict({ do: t.literal("write-back") }),
  /** Reads the registers that tell what the unit is and what it was told. */
  t.strict({ do: t.literal("read-registers") }),
  /** Software takes a page back and gives it new content, where earlier requests may have written. */
  t.strict({ do: t.literal("reuse"), page }),
  t.strict({
    do: t.literal("dma"),
    device: name,
    iova: page,
    type: oneOf("read", "write", "atomic", "zero-length-read"),
    /** Bytes; a request of 8 bytes that crosses a page is split by the platform. */
    length: t.union([t.literal(4), t.literal(8)]),
    /** At most one request of a scenario should: its halves have no place of their own to be recognised by. */
    crossing: t.boolean,
  }),
] as const;

const tableEntry = tableEntryCodec(MOST_LEVELS);
const retable = retableCodec(MOST_LEVELS);
const corruptTable = corruptCodec(tableEntry);
const fillWithOnes = fillWithOnesCodec(MOST_LEVELS);
const mapStep = t.strict(mapFields);

/** The entry of a table of a domain, by the address it is for. */
export type TableEntryName = t.TypeOf<typeof tableEntry>;
/** A mapping as it is asked for. */
export type MapStep = t.TypeOf<typeof mapStep> & { readonly size: PageSize };
/** A step that scenarios of every architecture may have. */
export type CommonStep =
  | t.TypeOf<(typeof commonSteps)[number]>
  | t.TypeOf<typeof retable>
  | t.TypeOf<typeof corruptTable>
  | t.TypeOf<typeof fillWithOnes>;
export type CommonStepOf<Kind extends CommonStep["do"]> = Extract<CommonStep, { do: Kind }>;

/** A function that makes requests. */
export const deviceCodec = t.strict({ name, requester: range(0, 0xffff) });

/** Tables under a domain id. */
export function domainCodec(fewestLevels: number, mostLevels: number) {
  return t.strict({ name, id: range(0, 0xffff), levels: range(fewestLevels, mostLevels) });
}
const anyDomain = domainCodec(1, MOST_LEVELS);

export type Device = t.TypeOf<typeof deviceCodec>;
export type Domain = t.TypeOf<typeof anyDomain>;

/** Seed of what an implementation leaves to chance. */
export const timingCodec = range(0, 0xffffffff);
export const startCodec = oneOf("translating", "reset");

/** What scenarios of every architecture say before their steps. */
export interface Header {
  readonly profile: string;
  readonly start: t.TypeOf<typeof startCodec>;
  readonly timing: number;
  readonly devices: Device[];
  readonly domains: Domain[];
}
