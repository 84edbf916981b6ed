/** The capability and extended capability registers (VT-d 11.4.2, 11.4.3). */
import { field, ignored, type Layout, layout } from "../words/layout.js";
import { asAddress, asPowerOfTwo, saying } from "../words/shown-fields.js";

/** The values of a bit set, by bit. */
const each = (of: Readonly<Record<number, string>>) => (value: number) =>
  Object.entries(of)
    .filter(([bit]) => (value >>> Number(bit)) & 1)
    .map(([, name]) => name)
    .join(", ");

export const capabilityLayout: Layout = layout("CAP_REG", "11.4.2", 64, [
  saying(field("ND", "2:0", "domain ids"), (value) => `${4 + 2 * value} bits`),
  ignored("3"),
  field("RWBF", "4", "write buffers must be flushed by software"),
  field("PLMR", "5", "protected low-memory region"),
  field("PHMR", "6", "protected high-memory region"),
  field("CM", "7", "caching mode: not-present and faulting entries may be cached"),
  saying(field("SAGAW", "12:8", "second-stage widths"), each({ 1: "39 bits", 2: "48 bits", 3: "57 bits" })),
  ignored("15:13"),
  saying(field("MGAW", "21:16", "maximum guest address width, minus one"), (value) => `${value + 1} bits`),
  field("ZLR", "22", "zero-length reads of write-only pages succeed"),
  ignored("23"),
  saying(field("FRO", "33:24", "offset of the fault recording registers, in 16 bytes"), asAddress(4)),
  saying(field("SSLPS", "37:34", "second-stage large pages"), each({ 0: "2 MiB", 1: "1 GiB" })),
  ignored("38"),
  field("PSI", "39", "page-selective IOTLB invalidation"),
  saying(field("NFR", "47:40", "number of fault recording registers, minus one"), (value) =>
    String(value + 1),
  ),
  saying(
    field("MAMV", "53:48", "largest address mask of a page-selective invalidation"),
    asPowerOfTwo("pages"),
  ),
  field("DWD", "54", "draining of writes is honoured"),
  field("DRD", "55", "draining of reads is honoured"),
  field("FS1GP", "56", "first-stage 1 GiB pages"),
  ignored("58:57"),
  field("PI", "59", "posted interrupts"),
  field("FS5LP", "60", "first-stage 5-level paging"),
  field("ECMDS", "61", "enhanced commands"),
  field("ESIRTPS", "62", "SIRTP invalidates the interrupt entry cache"),
  field("ESRTPS", "63", "SRTP invalidates every DMA remapping cache"),
]);

export const extendedCapabilityLayout: Layout = layout("ECAP_REG", "11.4.3", 64, [
  field("C", "0", "walks of root, context and legacy second-stage tables snoop"),
  field("QI", "1", "queued invalidation"),
  field("DT", "2", "device TLBs"),
  field("IR", "3", "interrupt remapping"),
  field("EIM", "4", "extended interrupt mode"),
  ignored("5"),
  field("PT", "6", "pass-through translation type"),
  field("SC", "7", "snoop control"),
  saying(field("IRO", "17:8", "offset of the IOTLB registers, in 16 bytes"), asAddress(4)),
  ignored("19:18"),
  field("MHMV", "23:20", "largest handle mask of an interrupt entry invalidation"),
  ignored("24"),
  field("MTS", "25", "memory types"),
  field("NEST", "26", "nested translation"),
  ignored("28:27"),
  field("PRS", "29", "page requests"),
  field("ERS", "30", "execute requests"),
  field("SRS", "31", "supervisor requests"),
  ignored("32"),
  field("NWFS", "33", "no-write flag"),
  field("EAFS", "34", "extended accessed flag"),
  saying(field("PSS", "39:35", "PASID width, minus one"), (value) => `${value + 1} bits`),
  field("PASID", "40", "PASIDs"),
  field("DIT", "41", "device-TLB invalidation throttling"),
  field("PDS", "42", "page-request drain"),
  field("SMTS", "43", "scalable mode"),
  field("VCS", "44", "virtual commands"),
  field("SSADS", "45", "second-stage accessed and dirty flags"),
  field("SSTS", "46", "second-stage translation in scalable mode"),
  field("FSTS", "47", "first-stage translation"),
  field("SMPWCS", "48", "scalable-mode walk coherency"),
  field("RPS", "49", "RID_PASID"),
  ignored("50"),
  field("PMS", "51", "performance monitoring"),
  field("ADMS", "52", "abort-DMA mode"),
  field("RPRIVS", "53", "RID_PRIV"),
  ignored("54"),
  field("HPTS", "55", "host permission table"),
  field("PTRS", "56", "PASID in translated requests"),
  field("SSIRWS", "57", "second-stage I/O read and write bits"),
  field("SMS", "58", "stop marker"),
  field("HPT1GPS", "59", "1 GiB pages in the host permission table"),
  ignored("60"),
  field("EIMER", "61", "extended interrupt mode is enforced"),
  field("IRREQ", "62", "interrupt remapping is required"),
  ignored("63"),
]);
