/** Interrupt remapping and posting (VT-d 9.9, 9.10, 9.11): entries and descriptors. */
import { field, ignored, type Layout, layout, reserved } from "../words/layout.js";
import { asAddress, asRequester, saying } from "../words/shown-fields.js";
import { capability } from "./layout-scalable.js";
import type { Platform } from "./profile.js";

type VtdLayout = Layout<Platform>;

const present = [
  field<Platform>("P", "0", "present"),
  field<Platform>("FPD", "1", "fault processing disable"),
];

const source = [
  saying(field<Platform>("SID", "79:64", "source id"), asRequester),
  saying(field<Platform>("SQ", "81:80", "source-id qualifier"), {
    0: "all bits count",
    1: "function bit 2 does not count",
    2: "function bits 2:1 do not count",
    3: "function bits 2:0 do not count",
  }),
  saying(field<Platform>("SVT", "83:82", "source validation type"), {
    0: "none",
    1: "by SID under SQ",
    2: "bus from SID 15:8 to SID 7:0",
    3: "reserved",
  }),
];

/** 9.9. Choice: which bits of DST are reserved depends on the interrupt mode in force (EIME), so none of them is checked. */
export const remappedInterruptLayout: VtdLayout = layout("interrupt remapping entry", "9.9", 128, [
  ...present,
  saying(field<Platform>("DM", "2", "destination mode"), { 0: "physical", 1: "logical" }),
  field("RH", "3", "redirection hint"),
  saying(field<Platform>("TM", "4", "trigger mode"), { 0: "edge", 1: "level" }),
  saying(field<Platform>("DLM", "7:5", "delivery mode"), {
    0: "fixed",
    1: "lowest priority",
    2: "SMI",
    3: "reserved",
    4: "NMI",
    5: "INIT",
    6: "reserved",
    7: "ExtINT",
  }),
  ignored("11:8"),
  reserved("14:12"),
  field("IM", "15", "posted: zero"),
  field("V", "23:16", "vector"),
  reserved("31:24"),
  field("DST", "63:32", "destination: APIC id, in bits 47:40 without extended interrupt mode"),
  ...source,
  reserved("127:84"),
]);

export const postedInterruptLayout: VtdLayout = layout("interrupt remapping entry, posted", "9.10", 128, [
  ...present,
  reserved("7:2"),
  ignored("11:8"),
  reserved("13:12"),
  field("URG", "14", "urgent"),
  field<Platform>("IM", "15", "posted: one", (platform) =>
    capability("PI")(platform) ? Number.POSITIVE_INFINITY : 15,
  ),
  field("VV", "23:16", "virtual vector"),
  reserved("37:24"),
  saying(field<Platform>("PDA31:6", "63:38", "posted-interrupt descriptor"), asAddress(6)),
  ...source,
  reserved("95:84"),
  saying(field<Platform>("PDA63:32", "127:96", "posted-interrupt descriptor, upper half"), asAddress(32)),
]);

export const postedDescriptorLayout: VtdLayout = layout("posted-interrupt descriptor", "9.11", 512, [
  ...Array.from({ length: 8 }, (_, index) =>
    field<Platform>(
      `PIR${32 * index + 31}:${32 * index}`,
      `${32 * index + 31}:${32 * index}`,
      "requested vectors",
    ),
  ),
  field("ON", "256", "outstanding notification"),
  field("SN", "257", "suppress notification"),
  reserved("271:258"),
  field("NV", "279:272", "notification vector"),
  reserved("287:280"),
  field("NDST", "319:288", "notification destination: APIC id, in bits 303:296 without x2APIC"),
  reserved("511:320"),
]);
